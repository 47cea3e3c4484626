import type { Mutation } from '../protocol/mutation.ts'
import type { Storage } from '../storage/open-storage.ts'
import type { Channel } from '../tabs/channel.ts'
import { type OutboxEntry, toEntry } from './entry.ts'
import { QUEUE_STORES, takeOut } from './queue-moves.ts'
import { cancelledKey, type SettledRecord, settledKey } from './settled.ts'

/** Which entries `list()` gives. */
export interface OutboxFilter {
  entity?: string
}

/** The writes that wait for the server. */
export interface Outbox {
  /** The entries in replay order. */
  list(filter?: OutboxFilter): Promise<OutboxEntry[]>
  get(id: string): Promise<OutboxEntry | undefined>
  /** How many there are; counted without reading them. */
  count(): Promise<number>
  /**
   * Takes a mutation out of the queue. False where that is too late: it is being sent, or it is not in the queue any
   * more.
   */
  cancel(id: string): Promise<boolean>
  /** Calls `fn` after every change, in this tab or another; the function it returns ends that. */
  subscribe(fn: () => void): () => void
}

export interface OutboxPorts {
  open: () => Promise<Storage>
  channel: Channel
  now: () => number
  subscribe: Outbox['subscribe']
}

export function createOutbox({ open, channel, now, subscribe }: OutboxPorts): Outbox {
  return {
    subscribe,

    async list(filter = {}) {
      const storage = await open()
      const mutations = await storage.mutations.range<Mutation>()
      const wanted = mutations.filter(({ entity }) => filter.entity === undefined || entity === filter.entity)
      const at = now()
      const readBlob = (key: string) => storage.blobs.getItem<string | ArrayBuffer>(key)
      return wanted.sort(inReplayOrder).map(mutation => toEntry(mutation, at, readBlob))
    },

    async get(id) {
      const storage = await open()
      const mutation = await findMutation(storage, id)
      return mutation && toEntry(mutation, now(), key => storage.blobs.getItem(key))
    },

    async count() {
      return (await open()).mutations.count()
    },

    async cancel(id) {
      const cancelled = await cancelWaiting(await open(), id, now())
      if (cancelled) channel.post('settled', { ids: [id] })
      return cancelled
    },
  }
}

/** Keys sort by what can be sent now; people think of it as priority, then age. */
function inReplayOrder(a: Mutation, b: Mutation): number {
  return b.priority - a.priority || a.sequence - b.sequence
}

function findMutation(storage: Storage, id: string): Promise<Mutation | undefined> {
  return storage.mutations.transact(['mutations'], 'readonly', tx => tx.objectStore('mutations').index('id').get(id))
}

function cancelWaiting(storage: Storage, id: string, now: number): Promise<boolean> {
  return storage.mutations.transact(QUEUE_STORES, 'readwrite', async tx => {
    const mutation: Mutation | undefined = await tx.objectStore('mutations').index('id').get(id)
    if (!mutation || (mutation.lease && mutation.lease.until > now)) return false
    const record: SettledRecord = { at: now, settlement: { kind: 'cancelled' } }
    await takeOut(tx, mutation, 'cancelled', now)
    await tx.objectStore('meta').put(record, settledKey(id))
    await tx.objectStore('meta').put(now, cancelledKey(id))
    if (mutation.body.kind === 'apart') await tx.objectStore('blobs').delete(mutation.body.blobKey)
    return true
  })
}
