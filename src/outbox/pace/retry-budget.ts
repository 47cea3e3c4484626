import { count, EMPTY_WINDOW, expiries, isSlidingWindow, type SlidingWindow, totals, unmark } from './sliding-window.ts'

/** How many requests and retries went out lately. Plain data of fixed size, stored between two runs. */
export interface RetryBudget {
  readonly sent: SlidingWindow
}

export type MayRetry = { readonly kind: 'go' } | { readonly kind: 'wait'; readonly until: number }

const BUCKET_MS = 10_000
// One bucket more than the time to cover, because the newest one has only begun.
const TWO_MINUTES = { bucketMs: BUCKET_MS, buckets: 13 }
const ONE_MINUTE = { bucketMs: BUCKET_MS, buckets: 7 }
const RETRY_RATIO = 0.1
const ALWAYS_PER_MINUTE = 10

export const FRESH_BUDGET: RetryBudget = { sent: EMPTY_WINDOW }

/**
 * Whether a retry may go out now: retries stay within a tenth of all requests of the last two minutes (Google SRE,
 * "Handling Overload"), but ten a minute always may. Else the time at which one may for certain; it waits, and is never
 * dropped. A first attempt never asks.
 *
 * @example
 * mayRetry(FRESH_BUDGET, 0) // { kind: 'go' }
 */
export function mayRetry(state: RetryBudget, now: number): MayRetry {
  if (hasRoom(state, now)) return { kind: 'go' }
  const until = expiries(state.sent, now, ONE_MINUTE).find(moment => hasRoom(state, moment))
  return { kind: 'wait', until: until ?? now + ONE_MINUTE.bucketMs * ONE_MINUTE.buckets }
}

/** To be called when a request goes out. */
export function onRequest(state: RetryBudget, now: number, isRetry: boolean): RetryBudget {
  return { sent: count(state.sent, { now, marked: isRetry }, TWO_MINUTES) }
}

/**
 * Gives a retry that succeeded its place back. The budget is there to spare a server that keeps failing; an outbox drops
 * nothing, so that after an outage most of what it sends are retries, and ten a minute would take hours.
 */
export function onRetryConfirmed(state: RetryBudget): RetryBudget {
  return { sent: unmark(state.sent) }
}

export function isRetryBudget(value: unknown): value is RetryBudget {
  return typeof value === 'object' && value !== null && 'sent' in value && isSlidingWindow(value.sent)
}

function hasRoom({ sent }: RetryBudget, now: number): boolean {
  if (totals(sent, now, ONE_MINUTE).marked < ALWAYS_PER_MINUTE) return true
  const { total, marked } = totals(sent, now, TWO_MINUTES)
  return marked + 1 <= RETRY_RATIO * total
}
