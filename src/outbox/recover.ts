import type { Mutation } from '../protocol/mutation.ts'
import { boundsOf } from '../protocol/queue-key.ts'
import type { Storage } from '../storage/open-storage.ts'
import { freePlace } from './free-place.ts'
import { move, putBack, QUEUE_STORES, type QueueTransaction } from './queue-moves.ts'

export interface RecoverOptions {
  now: number
  /** Whether the caller holds the drain lock, so that every lease is a dead holder's. Else only those that ran out are. */
  exclusive: boolean
  /** What failed before this time for want of a network is due at once; 0 where nothing says that it is back. */
  eagerBefore: number
}

/**
 * What a run begins with: takes over what a dead sender left under its lease, and makes ready what waits for a reason
 * that is gone.
 */
export async function recover(storage: Storage, options: RecoverOptions): Promise<void> {
  await storage.transact(
    QUEUE_STORES,
    'readwrite',
    async tx => {
      await eachOf(tx, 'sending', mutation => takeOver(tx, mutation, options))
      await eachOf(tx, 'delayed', mutation => hasten(tx, mutation, options))
    },
    { durability: 'relaxed' },
  )
}

async function takeOver(tx: QueueTransaction, mutation: Mutation, { now, exclusive }: RecoverOptions): Promise<void> {
  const { lease, ...rest } = mutation
  if (lease && lease.until > now && !exclusive) return
  const cutOff: Mutation = { ...rest, lastError: { code: 'interrupted', message: INTERRUPTED } }
  await putBack(tx, cutOff, now)
}

/** What the entry of a mutation says whose sender was killed before it could say how its attempt ended. */
export const INTERRUPTED = 'An attempt was cut off. The server may have it; the same key will tell.'

async function hasten(tx: QueueTransaction, mutation: Mutation, { now, eagerBefore }: RecoverOptions): Promise<void> {
  const { nextAttemptAt, lastAttemptAt = 0, lastError, ...rest } = mutation
  if (nextAttemptAt === undefined) return
  // The clock was set back since that attempt: the time noted then says nothing about now.
  const isFromTheFuture = lastAttemptAt > now
  const isOffline = lastError?.code === 'network' || lastError?.code === 'timeout'
  if (!isFromTheFuture && !(isOffline && lastAttemptAt < eagerBefore)) return
  const due: Mutation = { ...rest, lastAttemptAt, ...(lastError && { lastError }) }
  await move(tx, due, freePlace(due, now))
}

const PAGE = 100

/** Reads page by page, so that memory is bounded by a page, however many there are. */
async function eachOf(
  tx: QueueTransaction,
  place: 'sending' | 'delayed',
  act: (mutation: Mutation) => Promise<void>,
): Promise<void> {
  const { upper } = boundsOf(place)
  let { lower } = boundsOf(place)
  for (;;) {
    const page: Mutation[] = await tx.objectStore('mutations').getAll(IDBKeyRange.bound(lower, upper, true), PAGE)
    for (const mutation of page) await act(mutation)
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    lower = last.key
  }
}
