import { type Queue as Changing, changeQueue } from '../outbox/change-queue.ts'
import { PRINCIPAL_KEY } from '../outbox/principal.ts'
import { entityKey, type Mutation } from '../protocol/mutation.ts'
import { placeOf } from '../protocol/queue-range.ts'
import type { Transaction } from '../storage/database.ts'
import type { Storage } from '../storage/open-storage.ts'

/** A queue of Workbox within the outbox: the writes of one entity. */
export interface QueuePlace {
  /** As the app sees it in `outbox.list()`. */
  entity: string
  /** As it stands in the records of whoever uses the app. */
  key: string
  principal: string | undefined
  now: number
}

/** The entity of a queue's writes, so that they are sent in order, one at a time. */
export function queueEntity(queueName: string): string {
  return `workbox:${queueName}`
}

/** Changes a queue in one transaction, as whoever uses the app at that moment. */
export function changePlace<T>(
  storage: Storage,
  { queueName, now }: { queueName: string; now: number },
  work: (queue: Changing, place: QueuePlace) => Promise<T>,
): Promise<T> {
  return changeQueue(storage, async queue => work(queue, await placeIn(queue.tx.objectStore('meta'), queueName, now)))
}

const READ: ['mutations', 'blobs', 'meta'] = ['mutations', 'blobs', 'meta']

export type PlaceReader = Transaction<typeof READ, 'readonly'>

/** Reads a queue in one transaction. */
export function readPlace<T>(
  storage: Storage,
  { queueName, now }: { queueName: string; now: number },
  read: (tx: PlaceReader, place: QueuePlace) => Promise<T>,
): Promise<T> {
  return storage.transact(READ, 'readonly', async tx => read(tx, await placeIn(tx.objectStore('meta'), queueName, now)))
}

/** The keys of a queue's writes in the index of the entities, in the order of the queue. */
export function rangeOf({ key }: QueuePlace): IDBKeyRange {
  return IDBKeyRange.bound([key], [key, []])
}

/** Whether somebody is sending it at this moment, or has it in hand. */
export function isTaken({ key, lease }: Mutation, now: number): boolean {
  return placeOf(key) === 'sending' && lease !== undefined && lease.until > now
}

/** Whether the app has taken it out to send it by itself, and nobody knows yet what came of that. */
export function isInHand(mutation: Mutation, now: number): boolean {
  return isTaken(mutation, now) && isByHand(mutation)
}

export function isByHand({ lease }: Mutation): boolean {
  return lease?.holder.startsWith(HAND_PREFIX) === true
}

/** What the holder of a lease begins with that is no drain, but the app's own `onSync`. */
export const HAND_PREFIX = 'workbox:'

async function placeIn(meta: { get(key: string): Promise<unknown> }, queueName: string, now: number) {
  const principal = (await meta.get(PRINCIPAL_KEY)) as string | undefined
  const entity = queueEntity(queueName)
  return { entity, key: entityKey(entity, principal), principal, now }
}
