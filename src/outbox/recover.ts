import type { Mutation } from '../protocol/mutation.ts'
import { boundsOf } from '../protocol/queue-range.ts'
import { count, type Queue } from './change-queue.ts'
import { freePlace } from './free-place.ts'
import { move, putBack } from './queue-moves.ts'
import { retryDelay } from './retry-delay.ts'

export interface RecoverOptions {
  now: number
  /** Whether the caller holds the drain lock, so that every lease made under it is a dead holder's. Else those that ran out are. */
  exclusive: boolean
  /** What failed before this time for want of a network is due at once; 0 where nothing says that it is back. */
  eagerBefore: number
  /** When somebody last drained. Milliseconds since the epoch. */
  lastDrainAt: number
  random: () => number
}

/**
 * What a run begins with: takes over what a dead sender left under its lease, and makes ready what waits for a reason
 * that is gone. What is delayed is looked at only where there may be such a reason: the network is back, or the clock was
 * set back, and the times on record say nothing about now.
 *
 * Gives the time at which the first lease of somebody else runs out, where there is one. Milliseconds since the epoch.
 */
export async function recover(queue: Queue, options: RecoverOptions): Promise<number | undefined> {
  let firstEnd: number | undefined
  await eachOf(queue, 'sending', async mutation => {
    const until = await takeOver(queue, mutation, options)
    if (until !== undefined) firstEnd = Math.min(until, firstEnd ?? until)
  })
  if (options.eagerBefore > 0 || options.lastDrainAt > options.now) {
    await eachOf(queue, 'delayed', mutation => hasten(queue, mutation, options))
  }
  return firstEnd
}

/** Gives the end of a lease that stays. */
async function takeOver(queue: Queue, mutation: Mutation, options: RecoverOptions): Promise<number | undefined> {
  const { now, exclusive, random } = options
  const { lease, ...rest } = mutation
  // One that ends later than any lease can was given before the clock was set back.
  const isLive = lease && lease.until > now && lease.until < now + LONGEST_LEASE_MS
  if (isLive && (!exclusive || lease.unlocked)) return lease.until
  const failures = rest.failures + 1
  const cutOff: Mutation = { ...rest, failures, lastError: { code: 'interrupted', message: INTERRUPTED } }
  // Once is bad luck. What ends its sender again and again must not do so at every start.
  if (failures > 1) cutOff.nextAttemptAt = now + retryDelay({ failures, policy: rest.retry, random })
  // It may have arrived: whoever asked to be asked decides.
  if (lease?.begun) {
    cutOff.held = true
    count(queue, cutOff, { held: 1 })
  }
  await putBack(queue, cutOff, now)
  return undefined
}

/** Longer than any event that carries a run. */
const LONGEST_LEASE_MS = 200_000

/** What the entry of a mutation says whose sender was killed before it could say how its attempt ended. */
export const INTERRUPTED = 'An attempt was cut off. The server may have it; the same key will tell.'

async function hasten(queue: Queue, mutation: Mutation, options: RecoverOptions): Promise<void> {
  const { nextAttemptAt, lastAttemptAt = 0, lastError, ...rest } = mutation
  if (nextAttemptAt === undefined) return
  // The clock was set back since that attempt: the time noted then says nothing about now.
  const isFromTheFuture = lastAttemptAt > options.now
  if (!isFromTheFuture && !(wasOffline(mutation) && lastAttemptAt < options.eagerBefore)) return
  const due: Mutation = { ...rest, lastAttemptAt, ...(lastError && { lastError }) }
  await move(queue, due, freePlace(due, options.now))
}

function wasOffline({ lastError }: Mutation): boolean {
  return lastError?.code === 'network' || lastError?.code === 'timeout'
}

const PAGE = 100

/** Reads page by page, so that memory is bounded by a page, however many there are. */
async function eachOf(
  queue: Queue,
  place: 'sending' | 'delayed',
  act: (mutation: Mutation) => Promise<void>,
): Promise<void> {
  const { upper } = boundsOf(place)
  let { lower } = boundsOf(place)
  for (;;) {
    const page: Mutation[] = await queue.tx.objectStore('mutations').getAll(IDBKeyRange.bound(lower, upper, true), PAGE)
    for (const mutation of page) await act(mutation)
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    lower = last.key
  }
}
