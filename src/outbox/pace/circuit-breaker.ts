import { count, EMPTY_WINDOW, isSlidingWindow, type SlidingWindow, totals } from './sliding-window.ts'
import { hasNumbers, isSpan, liveUntil, type Span, spanOf } from './span.ts'

/** The circuit breaker of one origin. Plain data, stored between two runs. */
export interface CircuitBreaker {
  readonly window: SlidingWindow
  /** How often in a row it has opened; 0 while it is closed. */
  readonly opened: number
  /** While it lets nothing through. */
  readonly open?: Span
  /** While the one probe is under way: a lease, so that a probe lost with its worker blocks nothing for good. */
  readonly probe?: Span
}

export type BreakerPhase =
  | { readonly kind: 'closed' }
  | { readonly kind: 'open'; readonly until: number }
  | { readonly kind: 'half-open' }

const WINDOW = { bucketMs: 5_000, buckets: 7 }
const MIN_ANSWERS = 10
const FAILURE_RATIO = 0.5
const FIRST_DELAY_MS = 5_000
const LONGEST_DELAY_MS = 60_000

export const CLOSED_BREAKER: CircuitBreaker = { window: EMPTY_WINDOW, opened: 0 }

/** What it lets through: everything, nothing until a time, or exactly one probe. */
export function breakerPhase({ opened, open, probe }: CircuitBreaker, now: number): BreakerPhase {
  if (opened === 0) return { kind: 'closed' }
  const until = liveUntil(open, now) ?? liveUntil(probe, now)
  return until === undefined ? { kind: 'half-open' } : { kind: 'open', until }
}

/** To be called when a request goes out; where the breaker is half-open, that request is the probe. */
export function breakerAfterSend(
  state: CircuitBreaker,
  { now, leaseMs }: { now: number; leaseMs: number },
): CircuitBreaker {
  if (breakerPhase(state, now).kind !== 'half-open') return state
  return { ...state, open: undefined, probe: spanOf(now, leaseMs) }
}

/**
 * The breaker after an answer (Nygard, "Release It!", circuit breaker). At least ten answers within the last 30 s, half
 * of them failures, open it; then nothing is sent for a delay drawn from 5 to 10 s, and after that one probe, whose
 * success closes it, and whose failure doubles the delay, up to 60 s. While it is not closed only the answer to the
 * probe counts: those to requests sent before it opened say what is known.
 *
 * @example
 * const failure = { failed: true, sentAt: 990 }
 * let breaker = CLOSED_BREAKER
 * for (let i = 0; i < 10; i++) breaker = breakerAfterAnswer(breaker, failure, { now: 1_000, random: () => 0 })
 * breakerPhase(breaker, 1_000) // { kind: 'open', until: 6000 }
 */
export function breakerAfterAnswer(
  state: CircuitBreaker,
  { failed, sentAt }: { failed: boolean; sentAt: number },
  { now, random }: { now: number; random: () => number },
): CircuitBreaker {
  if (state.opened > 0) {
    if (!isProbe(state, sentAt)) return state
    return failed ? opened(state, now, random) : CLOSED_BREAKER
  }
  const window = count(state.window, { now, marked: failed }, WINDOW)
  const { total, marked } = totals(window, now, WINDOW)
  const next = { ...state, window }
  return total >= MIN_ANSWERS && marked / total >= FAILURE_RATIO ? opened(next, now, random) : next
}

/** A request that got no answer says nothing of the server; if it was the probe, another one may go. */
export function breakerAfterNoAnswer(state: CircuitBreaker, { sentAt }: { sentAt: number }): CircuitBreaker {
  return isProbe(state, sentAt) ? { ...state, probe: undefined } : state
}

export function isCircuitBreaker(value: unknown): value is CircuitBreaker {
  if (typeof value !== 'object' || value === null || !hasNumbers(value, ['opened'])) return false
  const { window, open, probe } = value as Partial<CircuitBreaker>
  return isSlidingWindow(window) && (open === undefined || isSpan(open)) && (probe === undefined || isSpan(probe))
}

/** What was under way when the breaker opened was sent at least one delay before the probe. */
function isProbe({ probe }: CircuitBreaker, sentAt: number): boolean {
  return probe !== undefined && sentAt > probe.at - FIRST_DELAY_MS / 2
}

/** The jitter only adds: all devices that saw the server fail must not come back at once, nor too soon. */
function opened(state: CircuitBreaker, now: number, random: () => number): CircuitBreaker {
  const base = Math.min(LONGEST_DELAY_MS / 2, FIRST_DELAY_MS * 2 ** Math.min(state.opened, MANY))
  const delay = base + Math.round(random() * base)
  return { window: EMPTY_WINDOW, opened: state.opened + 1, open: spanOf(now, delay) }
}

/** Enough doublings to reach the longest delay, and few enough to stay a number. */
const MANY = 10
