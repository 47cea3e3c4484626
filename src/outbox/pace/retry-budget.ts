import { nextBucket, type SlidingWindow, totals } from './sliding-window.ts'

/**
 * How many requests went out lately, and, marked, how many of them were retries. The mark of a retry that succeeded is
 * taken back: the budget is there to spare a server that keeps failing; an outbox drops nothing, so that after an outage
 * most of what it sends are retries, and ten a minute would take hours.
 */
export type RetryBudget = SlidingWindow

export type MayRetry = { readonly kind: 'go' } | { readonly kind: 'wait'; readonly until: number }

// In buckets; one more than the time to cover, because the newest one has only begun.
const TWO_MINUTES = 13
const ONE_MINUTE = 7
const RETRY_RATIO = 0.1
const ALWAYS_PER_MINUTE = 10

/**
 * Whether a retry may go out now: retries stay within a tenth of all requests of the last two minutes (Google SRE,
 * "Handling Overload"), but ten a minute always may. Else the time at which one may for certain; it waits, and is never
 * dropped. A first attempt never asks.
 *
 * @example
 * mayRetry([], 0) // { kind: 'go' }
 */
export function mayRetry(budget: RetryBudget, now: number): MayRetry {
  let until = now
  while (!hasRoom(budget, until)) until = nextBucket(until)
  return until > now ? { kind: 'wait', until } : { kind: 'go' }
}

/** True at the latest once the minute is over: a budget that is no number cannot hold a retry back for longer. */
function hasRoom(budget: RetryBudget, now: number): boolean {
  if (totals(budget, now, ONE_MINUTE)[1] < ALWAYS_PER_MINUTE) return true
  const [total, marked] = totals(budget, now, TWO_MINUTES)
  return marked + 1 <= RETRY_RATIO * total
}
