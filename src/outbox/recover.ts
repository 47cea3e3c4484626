import type { Mutation } from '../protocol/mutation.ts'
import { originOf } from '../protocol/queue-key.ts'
import { boundsOf } from '../protocol/queue-range.ts'
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
 * that is gone. Gives the origins that seem to be down, and when each may be asked again (milliseconds since the epoch):
 * those that left two mutations unanswered, whose delays are not over. One alone may be the fault of that mutation.
 */
export function recover(storage: Storage, options: RecoverOptions): Promise<Map<string, number>> {
  return storage.transact(
    QUEUE_STORES,
    'readwrite',
    async tx => {
      const unanswered = new Map<string, number[]>()
      await eachOf(tx, 'sending', mutation => takeOver(tx, mutation, options))
      await eachOf(tx, 'delayed', async mutation => {
        const isHastened = await hasten(tx, mutation, options)
        if (isHastened || !isUnanswered(mutation, options)) return
        const origin = originOf(mutation)
        unanswered.set(origin, [...(unanswered.get(origin) ?? []), mutation.nextAttemptAt ?? 0])
      })
      return new Map([...unanswered].flatMap(([origin, due]) => (due.length > 1 ? [[origin, Math.min(...due)]] : [])))
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

async function hasten(tx: QueueTransaction, mutation: Mutation, options: RecoverOptions): Promise<boolean> {
  const { nextAttemptAt, lastAttemptAt = 0, lastError, ...rest } = mutation
  if (nextAttemptAt === undefined) return false
  // The clock was set back since that attempt: the time noted then says nothing about now.
  const isFromTheFuture = lastAttemptAt > options.now
  if (!isFromTheFuture && !(wasOffline(mutation) && lastAttemptAt < options.eagerBefore)) return false
  const due: Mutation = { ...rest, lastAttemptAt, ...(lastError && { lastError }) }
  await move(tx, due, freePlace(due, options.now))
  return true
}

function wasOffline({ lastError }: Mutation): boolean {
  return lastError?.code === 'network' || lastError?.code === 'timeout'
}

function isUnanswered(mutation: Mutation, { now }: RecoverOptions): boolean {
  return wasOffline(mutation) && (mutation.nextAttemptAt ?? 0) > now
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
