import { type Mutation, sizeOf } from '../protocol/mutation.ts'
import { laneOf } from '../protocol/queue-key.ts'
import type { Transaction, WriteOptions } from '../storage/database.ts'
import type { Storage } from '../storage/open-storage.ts'
import { COUNTERS_KEY, type Counters, counted, NO_COUNTERS, type Tally } from './counters.ts'

/** What a change of the queue may touch. */
const QUEUE_STORES: ['mutations', 'dead', 'blobs', 'meta'] = ['mutations', 'dead', 'blobs', 'meta']

/** The queue within one transaction, in which it may be changed. */
export interface Queue {
  tx: Transaction<typeof QUEUE_STORES, 'readwrite'>
  counters: Counters
  /** Nothing in it is blocked, so that an end lets nothing go. Known where a turn has looked. */
  isPlain?: boolean
  /** What is under a lease, by its key. Known where a turn has read it. */
  sending?: Map<string, Mutation>
}

/** Changes the queue in one transaction, and its counters with it. */
export function changeQueue<T>(
  storage: Pick<Storage, 'transact'>,
  work: (queue: Queue) => Promise<T>,
  options?: WriteOptions,
): Promise<T> {
  return storage.transact(
    QUEUE_STORES,
    'readwrite',
    async tx => {
      const meta = tx.objectStore('meta')
      const counters: Counters = (await meta.get(COUNTERS_KEY)) ?? NO_COUNTERS
      const queue: Queue = { tx, counters }
      const result = await work(queue)
      if (queue.counters !== counters) await meta.put(queue.counters, COUNTERS_KEY)
      return result
    },
    options,
  )
}

/** Notes what a change adds to what the owner of a mutation has. */
export function count(queue: Queue, { principal }: Mutation, change: Partial<Tally>): void {
  queue.counters = counted(queue.counters, laneOf(principal), change)
}

/** What a mutation in the queue counts. */
export function weightOf(mutation: Mutation): Partial<Tally> {
  return { pending: 1, bytes: sizeOf(mutation), held: mutation.held ? 1 : 0 }
}

/** The same, for one that leaves the queue. */
export function lossOf(mutation: Mutation): Partial<Tally> {
  return { pending: -1, bytes: -sizeOf(mutation), held: mutation.held ? -1 : 0 }
}
