import { HoldfastError } from '../protocol/errors.ts'
import type { Storage } from '../storage/open-storage.ts'
import type { Channel } from '../tabs/channel.ts'
import type { DeadRecord } from './dead-record.ts'
import { type DeadLetter, toDeadLetter } from './entry.ts'
import { parkDependants, QUEUE_STORES, takeIn } from './queue-moves.ts'
import { cancelledKey, type SettledRecord, settledKey } from './settled.ts'

/** What could not be delivered, for a person to decide about. Nothing here is ever removed by itself. */
export interface DeadLetters {
  /** All dead letters, in the order in which their mutations were made. */
  list(): Promise<DeadLetter[]>
  get(id: string): Promise<DeadLetter | undefined>
  /**
   * Puts the mutation back at its old place in the queue, with all its attempts before it and the same idempotency key.
   * Rejects with `not-found` where there is no such dead letter.
   */
  retry(id: string): Promise<void>
  /** Removes it for good; what depends on it stays blocked, and can be cancelled. Rejects with `not-found` where there is no such dead letter. */
  discard(id: string): Promise<void>
  /** Calls `fn` after every change, in this tab or another; the function it returns ends that. */
  subscribe(fn: () => void): () => void
}

export interface DeadLettersPorts {
  open: () => Promise<Storage>
  channel: Channel
  now: () => number
  /** Tells whoever drains that there is something to do. */
  wake: () => void
  subscribe: DeadLetters['subscribe']
}

export function createDeadLetters({ open, channel, now, wake, subscribe }: DeadLettersPorts): DeadLetters {
  return {
    subscribe,

    async list() {
      const storage = await open()
      const records = await storage.dead.range<DeadRecord>()
      return records.map(record => toDeadLetter(record, now(), key => storage.blobs.getItem(key)))
    },

    async get(id) {
      const storage = await open()
      const record = await storage.dead.getItem<DeadRecord>(id)
      return record ? toDeadLetter(record, now(), key => storage.blobs.getItem(key)) : undefined
    },

    async retry(id) {
      await requeue(await open(), id, now())
      channel.post('changed', { ids: [id] })
      wake()
    },

    async discard(id) {
      await discard(await open(), id, now())
      channel.post('changed', { ids: [id] })
    },
  }
}

function requeue(storage: Storage, id: string, now: number): Promise<void> {
  return storage.mutations.transact(QUEUE_STORES, 'readwrite', async tx => {
    const { mutation } = await mustGet(tx.objectStore('dead'), id, 'retry the dead letter')
    const { nextAttemptAt: _over, expiresAt: _passed, ...rest } = mutation
    // Its age begins anew: a person has just looked at it.
    await takeIn(tx, { ...rest, createdAt: now, attempts: 0, failures: 0 }, now)
    await Promise.all([tx.objectStore('dead').delete(id), tx.objectStore('meta').delete(settledKey(id))])
  })
}

function discard(storage: Storage, id: string, now: number): Promise<void> {
  return storage.mutations.transact(QUEUE_STORES, 'readwrite', async tx => {
    const { mutation } = await mustGet(tx.objectStore('dead'), id, 'discard the dead letter')
    const record: SettledRecord = { at: now, settlement: { kind: 'cancelled' } }
    await tx.objectStore('dead').delete(id)
    await tx.objectStore('meta').put(record, settledKey(id))
    await tx.objectStore('meta').put(now, cancelledKey(id))
    await parkDependants(tx, id, 'parent-cancelled')
    if (mutation.body.kind === 'apart') await tx.objectStore('blobs').delete(mutation.body.blobKey)
  })
}

async function mustGet(
  store: { get(id: string): Promise<DeadRecord | undefined> },
  id: string,
  action: string,
): Promise<DeadRecord> {
  const record = await store.get(id)
  if (record) return record
  throw new HoldfastError({
    code: 'not-found',
    action,
    reason: `there is none with the id "${id}"`,
    hint: 'It may have been retried or discarded in another tab; list() shows what there is.',
  })
}
