import type { Storage } from '../storage/open-storage.ts'
import type { Channel } from '../tabs/channel.ts'
import { changeQueue } from './change-queue.ts'
import type { DeadLetterEdit } from './dead-letter-edit.ts'
import { exportLetters } from './dead-letter-export.ts'
import { parseFile } from './dead-letter-file.ts'
import { type Imported, importLetters } from './dead-letter-import.ts'
import { retryLetter } from './dead-letter-retry.ts'
import { type DeadRecord, takeDead } from './dead-record.ts'
import { type DeadLetter, toDeadLetter } from './entry.ts'
import { keepAnswer } from './keep-answer.ts'
import { parkDependants } from './queue-moves.ts'
import { cancelledKey } from './settled.ts'

/**
 * What could not be delivered of whoever uses the app, for a person to decide about. Nothing here is ever removed by
 * itself. What is somebody else's is as if it were not there.
 */
export interface DeadLetters {
  /** All dead letters, in the order in which their mutations were made; imported ones behind those that were there. */
  list(): Promise<DeadLetter[]>
  get(id: string): Promise<DeadLetter | undefined>
  /**
   * Puts the mutation back at its old place in the queue, with all its attempts before it, as it is or with an edit; its
   * id stays. What is not in the edit stays too, but for an `expiresAt` that has passed.
   *
   * The idempotency key stays as long as the server gets the same: url, method, headers and body. Once one of them is
   * another, so is the key, since servers must refuse an old key with a new request. If an earlier attempt did arrive
   * unnoticed, the server then has both.
   *
   * Rejects with `not-found` where there is no such dead letter, and with `invalid-mutation`, as `mutate()` does, where the
   * edit cannot be made; then nothing is changed.
   *
   * @example
   * for (const letter of await hf.deadLetters.list()) {
   *   if (letter.problem?.title === 'Too long') await hf.deadLetters.retry(letter.id, { json: shorten(letter.json) })
   * }
   */
  retry(id: string, edit?: DeadLetterEdit): Promise<void>
  /** Removes it for good; what depends on it stays blocked, and can be cancelled. Rejects with `not-found` where there is no such dead letter. */
  discard(id: string): Promise<void>
  /**
   * All of them in one JSON file (`application/json`; its format: `DeadLetterFile`), with their bodies and whatever else
   * another device needs to send them. They stay here too.
   *
   * @example
   * const file = await hf.deadLetters.export()
   * link.href = URL.createObjectURL(file) // and on the other device:
   * const { imported, skipped } = await hf.deadLetters.import(file)
   */
  export(): Promise<Blob>
  /**
   * Adds the dead letters of a file that `export()` has made, as those of whoever uses the app now. They keep their ids and
   * idempotency keys, so that a server that has one of them already does it no second time. Skipped is what this device
   * knows: what waits, is a dead letter, or was cancelled; what was confirmed, as long as its answer is kept; and
   * for ever what was imported before.
   *
   * Rejects with `invalid-import` where the file is not as it must be, and says where; then nothing is imported.
   */
  import(file: Blob | string): Promise<{ imported: number; skipped: number }>
  /** Calls `fn` after every change, in this tab or another; the function it returns ends that. */
  subscribe(fn: () => void): () => void
}

export interface DeadLettersPorts {
  open: () => Promise<Storage>
  channel: Channel
  now: () => number
  /** Makes idempotency keys, and names for bodies. */
  newId: () => string
  /** Who uses the app; asked once the storage is open. */
  principal: () => string | undefined
  /** Tells whoever drains that there is something to do. */
  wake: () => void
  subscribe: DeadLetters['subscribe']
}

export function createDeadLetters(ports: DeadLettersPorts): DeadLetters {
  const { open, channel, now, newId, wake, subscribe } = ports
  const context = () => ({ principal: ports.principal(), now: now(), newId })
  return {
    subscribe,

    async list() {
      const storage = await open()
      const records = await readLetters(storage, ports.principal())
      return records.map(record => toDeadLetter(record, now(), key => storage.blobs.getItem(key)))
    },

    async get(id) {
      const storage = await open()
      const record = await storage.dead.getItem<DeadRecord>(id)
      if (!record || record.mutation.principal !== ports.principal()) return undefined
      return toDeadLetter(record, now(), key => storage.blobs.getItem(key))
    },

    async retry(id, edit) {
      const storage = await open()
      await retryLetter(storage, id, edit, context())
      channel.post('changed', { ids: [id] })
      wake()
    },

    async discard(id) {
      const storage = await open()
      await discard(storage, id, context())
      channel.post('changed', { ids: [id] })
    },

    async export() {
      const storage = await open()
      return exportLetters(storage, context())
    },

    async import(file) {
      const letters = await parseFile(file)
      const storage = await open()
      const { ids, skipped }: Imported = await importLetters(storage, letters, context())
      if (ids.length > 0) channel.post('changed', { ids })
      return { imported: ids.length, skipped }
    },
  }
}

async function readLetters(storage: Storage, principal: string | undefined): Promise<DeadRecord[]> {
  const records = await storage.dead.range<DeadRecord>()
  const own = records.filter(({ mutation }) => mutation.principal === principal)
  return own.sort((a, b) => a.mutation.sequence - b.mutation.sequence)
}

interface DiscardOptions {
  principal: string | undefined
  now: number
}

function discard(storage: Storage, id: string, { principal, now }: DiscardOptions): Promise<void> {
  return changeQueue(storage, async queue => {
    const { mutation } = await takeDead(queue, id, { principal, action: 'discard the dead letter' })
    await keepAnswer(queue, id, { at: now, settlement: { kind: 'cancelled' } }, { whole: true })
    await queue.tx.objectStore('meta').put(now, cancelledKey(id))
    await parkDependants(queue, id, 'parent-cancelled')
    if (mutation.body.kind === 'apart') await queue.tx.objectStore('blobs').delete(mutation.body.blobKey)
  })
}
