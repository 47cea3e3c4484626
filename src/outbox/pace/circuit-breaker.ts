import { count, type SlidingWindow, totals } from './sliding-window.ts'
import { liveUntil, type Span, spanOf } from './span.ts'

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

/** Half a minute, in buckets; one more, because the newest one has only begun. */
const WINDOW = 4
const MIN_ANSWERS = 10
const FAILURE_RATIO = 0.5
const FIRST_DELAY_MS = 2_000
const LONGEST_DELAY_MS = 60_000
/** A probe that was not heard of for so long was lost. The context that sent it sees by itself what is under way. */
const PROBE_LEASE_MS = 60_000

export const CLOSED_BREAKER: CircuitBreaker = { window: [], opened: 0 }

/** Until when it lets nothing through; 0 where it lets through everything or, once it has opened, exactly one probe. */
export function openUntil({ open, probe }: CircuitBreaker, now: number): number {
  return liveUntil(open, now) || liveUntil(probe, now)
}

/** To be called when a request goes out; where the breaker has opened, that request is the probe. */
export function breakerAfterSend(state: CircuitBreaker, now: number): CircuitBreaker {
  if (!state.opened || openUntil(state, now)) return state
  return { ...state, open: undefined, probe: spanOf(now, PROBE_LEASE_MS) }
}

/**
 * The breaker after an answer (Nygard, "Release It!", circuit breaker). At least ten answers within the last 30 to 40 s,
 * half of them failures, open it; then nothing is sent for a delay drawn from 2 to 4 s, and after that one probe, whose
 * success closes it, and whose failure doubles the delay, up to 60 s. While it is not closed only the answer to the
 * probe counts: those to requests sent before it opened say what is known.
 *
 * @example
 * const failure = { failed: true, sentAt: 990 }
 * let breaker = CLOSED_BREAKER
 * for (let i = 0; i < 10; i++) breaker = breakerAfterAnswer(breaker, failure, { now: 1_000, random: () => 0 })
 * openUntil(breaker, 1_000) // 3000
 */
export function breakerAfterAnswer(
  state: CircuitBreaker,
  { failed, sentAt }: { failed: boolean; sentAt: number },
  { now, random }: { now: number; random: () => number },
): CircuitBreaker {
  if (state.opened) {
    if (!isProbe(state, sentAt)) return state
    return failed ? opened(state, now, random) : CLOSED_BREAKER
  }
  const window = count(state.window, now, failed)
  const [total, marked] = totals(window, now, WINDOW)
  return total >= MIN_ANSWERS && marked / total >= FAILURE_RATIO ? opened(state, now, random) : { ...state, window }
}

/** A request that got no answer says nothing of the server; if it was the probe, another one may go. */
export function breakerAfterNoAnswer(state: CircuitBreaker, sentAt: number): CircuitBreaker {
  return isProbe(state, sentAt) ? { ...state, probe: undefined } : state
}

/** What was under way when the breaker opened was sent at least one delay before the probe. */
function isProbe({ probe }: CircuitBreaker, sentAt: number): boolean {
  return !!probe && sentAt > probe.at - FIRST_DELAY_MS / 2
}

/** The jitter only adds: all devices that saw the server fail must not come back at once, nor too soon. */
function opened({ opened }: CircuitBreaker, now: number, random: () => number): CircuitBreaker {
  const base = Math.min(LONGEST_DELAY_MS / 2, FIRST_DELAY_MS * 2 ** opened)
  return { window: [], opened: opened + 1, open: spanOf(now, base + Math.round(random() * base)) }
}
