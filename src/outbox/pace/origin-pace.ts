import {
  breakerAfterAnswer,
  breakerAfterNoAnswer,
  breakerAfterSend,
  type CircuitBreaker,
  CLOSED_BREAKER,
  openUntil,
} from './circuit-breaker.ts'
import {
  afterAnswer,
  type ConcurrencyLimit,
  clamp,
  freshLimit,
  type LimitBounds,
  wholeLimit,
} from './concurrency-limit.ts'
import type { RateLimit } from './rate-limit-fields.ts'
import type { RetryBudget } from './retry-budget.ts'
import { count, unmark } from './sliding-window.ts'
import { liveUntil, type Span, spanOf } from './span.ts'

/** All that is known of the pace that one origin takes. Plain data, stored between two runs. */
export interface OriginPace {
  readonly limit: ConcurrencyLimit
  readonly breaker: CircuitBreaker
  readonly budget: RetryBudget
  /** The server asked for nothing before its end, or keeps refusing. */
  readonly pause?: Span
  /** What the server said may still be sent until the end of the span. */
  readonly quota?: Quota
  /** A ceiling that the server gave for requests at once. */
  readonly ceiling?: number
  /** The network, or the server, gave no answer: `failures` times in a row. */
  readonly unreachable?: Span & { readonly failures: number }
  /** Refusals in a row for want of capacity, at the lowest limit. */
  readonly refusals: number
  /** When the last request went out; 0 for never. */
  readonly sentAt: number
}

export interface Quota extends Span {
  readonly remaining: number
}

export type Decision =
  /** So many requests may go out at once, now. 0: wait for an answer to one that is under way. */
  | { readonly kind: 'go'; readonly slots: number }
  /** Nothing may go out before this time. Milliseconds since the epoch. */
  | { readonly kind: 'wait'; readonly until: number }
  /** One request may go out; its answer decides. */
  | { readonly kind: 'probe' }

export interface DecideInput {
  readonly now: number
  /** Requests under way in this context. */
  readonly inFlight: number
  readonly bounds: LimitBounds
  /** What failed for want of a network before this time is no reason to wait; 0 where nothing says that it is back. */
  readonly eagerBefore?: number
}

/** What came of one request. */
export interface PaceAnswer {
  readonly status: number | 'timeout'
  /** From sending to the answer, in milliseconds. */
  readonly rttMs: number
  /** Requests under way when the answer came, this one included. */
  readonly inFlight: number
  /** Whether more was waiting to be sent. */
  readonly moreWork: boolean
  readonly isRetry?: boolean
  /** `Retry-After`, as a length of time. */
  readonly retryAfterMs?: number
  readonly rateLimit?: RateLimit
}

export interface ClockPorts {
  readonly now: number
  readonly random: () => number
}

export interface AnswerPorts extends ClockPorts {
  readonly bounds: LimitBounds
}

/** From this many on, what is left of a quota is spread over the time that it has to last. */
const LAST_FEW = 10
/** The last few of a daily quota are not held back for hours each. */
const WIDEST_GAP_MS = 60_000
/** After the time that a server named, its clients come back spread over a tenth more, at most this. */
const WIDEST_SPREAD_MS = 5_000

export function freshPace(bounds: LimitBounds): OriginPace {
  return { limit: freshLimit(bounds), breaker: CLOSED_BREAKER, budget: [], refusals: 0, sentAt: 0 }
}

/**
 * What may be sent to an origin now. Every reason to wait holds (a pause the server asked for, a quota that is used up,
 * the circuit breaker, a network that gave no answer); the latest decides. Changes nothing: say `onSend()` for each
 * request that goes out.
 *
 * A retry asks `mayRetry(pace.budget, now)` besides.
 *
 * @example
 * const bounds = { min: 1, max: 6 }
 * decide(freshPace(bounds), { now: 0, inFlight: 1, bounds }) // { kind: 'go', slots: 1 }
 */
export function decide(state: OriginPace, { now, inFlight, bounds, eagerBefore = 0 }: DecideInput): Decision {
  const { breaker, pause, unreachable, ceiling } = state
  const quotaUntil = liveUntil(state.quota, now)
  const quota = quotaUntil ? state.quota : undefined
  const until = Math.max(
    liveUntil(pause, now),
    openUntil(breaker, now),
    unreachable && unreachable.at >= eagerBefore ? liveUntil(unreachable, now) : 0,
    quota ? nextOf({ ...quota, until: quotaUntil }, state.sentAt, now) : 0,
  )
  if (until > now) return { kind: 'wait', until }
  if (breaker.opened) return inFlight > 0 ? { kind: 'go', slots: 0 } : { kind: 'probe' }
  const most = Math.min(
    wholeLimit(state.limit, bounds),
    ceiling ?? bounds.max,
    unreachable ? 1 : bounds.max,
    quota ? inFlight + (quota.remaining > LAST_FEW ? quota.remaining : 1) : bounds.max,
  )
  return { kind: 'go', slots: Math.max(0, clamp(most, 1, bounds.max) - inFlight) }
}

/** To be called when a request goes out, before its answer can come. */
export function onSend(state: OriginPace, { now, isRetry }: { now: number; isRetry: boolean }): OriginPace {
  const { breaker, budget, quota } = state
  return {
    ...state,
    breaker: breakerAfterSend(breaker, now),
    budget: count(budget, now, isRetry),
    quota: quota && { ...quota, remaining: Math.max(0, quota.remaining - 1) },
    sentAt: now,
  }
}

/**
 * The pace after an answer, or a time-out of the attempt. A 429 or 503 halves the limit; with `Retry-After` (RFC 9110
 * §10.2.3) the whole origin pauses for that long, without it for a time that doubles once the limit can fall no
 * further. `RateLimit` counts where there is no `Retry-After` (its draft, section 7). 408, 5xx and time-outs count
 * against the server in the circuit breaker. Another 4xx is the mutation's trouble, and says that the server is well.
 */
export function onAnswer(state: OriginPace, answer: PaceAnswer, ports: AnswerPorts): OriginPace {
  const { limit, breaker, budget, pause } = state
  const { now, random, bounds } = ports
  const { rttMs, retryAfterMs } = answer
  // A time-out counts as a 503 does: too much for the server, and its failure.
  const status = answer.status === 'timeout' ? 503 : answer.status
  const isSuccess = status >= 200 && status < 300
  const overloaded = status === 429 || status === 503
  const verdict = { failed: status === 408 || status >= 500, sentAt: now - rttMs }
  const next: OriginPace = {
    ...state,
    // The time of an answer that failed (an error page, a quick refusal) is not that of the work.
    limit: overloaded || isSuccess ? afterAnswer(limit, { ...answer, overloaded, now }, bounds) : limit,
    // A closed breaker does not count a 429: it is neither a failure nor a sign that the next one will succeed.
    breaker: status === 429 && !breaker.opened ? breaker : breakerAfterAnswer(breaker, verdict, ports),
    budget: answer.isRetry && isSuccess ? unmark(budget) : budget,
  }
  if (answer.status === 'timeout') return { ...next, unreachable: unreachableAfter(state, ports) }
  const said = answer.rateLimit?.quota
  const heard = {
    ...next,
    unreachable: undefined,
    ceiling: answer.rateLimit?.atOnce ?? state.ceiling,
    // What others under way will take may not be in the count of this answer: it is taken off.
    quota: said
      ? { ...spanOf(now, said.resetMs), remaining: Math.max(0, said.remaining - answer.inFlight + 1) }
      : state.quota,
  }
  if (!overloaded) return { ...heard, refusals: 0 }
  if (retryAfterMs === undefined) return slowedDown(heard, state, ports)
  // Clients that were sent away together come back spread over a tenth of that time.
  const asked = spanOf(now, retryAfterMs + Math.round(random() * Math.min(retryAfterMs / 10, WIDEST_SPREAD_MS)))
  return { ...heard, quota: undefined, pause: liveUntil(pause, now) > asked.until ? pause : asked }
}

/**
 * The pace after a request that the network gave no answer to. Nothing goes to this origin for a time that doubles with
 * each such failure in a row (1 s to 60 s, half of it random), then one request at a time until an answer comes. What
 * was under way at the same time counts as one failure. The circuit breaker does not count it: it says nothing of the
 * server.
 */
export function onNetworkFailure(state: OriginPace, attempt: { rttMs: number }, ports: ClockPorts): OriginPace {
  return { ...onAbandoned(state, attempt, ports), unreachable: unreachableAfter(state, ports) }
}

/** The pace after an attempt that we ended ourselves, because our time was up: nothing was learned. */
export function onAbandoned(state: OriginPace, { rttMs }: { rttMs: number }, { now }: { now: number }): OriginPace {
  return { ...state, breaker: breakerAfterNoAnswer(state.breaker, now - rttMs) }
}

/** When the next request of a live quota may go: at its end where it is used up, one by one where few are left. */
function nextOf({ remaining, at, until }: Quota, sentAt: number, now: number): number {
  if (remaining > LAST_FEW) return 0
  if (remaining === 0) return until
  const from = Math.min(now, Math.max(sentAt, at))
  return Math.ceil(from + Math.min(WIDEST_GAP_MS, (until - from) / (remaining + 1)))
}

/** Still refused at the slowest pace: then the pace has to be slower than one at a time. */
function slowedDown(next: OriginPace, { limit, pause, refusals }: OriginPace, ports: AnswerPorts): OriginPace {
  if (wholeLimit(limit, ports.bounds) > ports.bounds.min || liveUntil(pause, ports.now)) return next
  return { ...next, refusals: refusals + 1, pause: backoff(refusals, ports) }
}

function unreachableAfter({ unreachable }: OriginPace, ports: ClockPorts): OriginPace['unreachable'] {
  if (liveUntil(unreachable, ports.now)) return unreachable
  const failures = unreachable?.failures ?? 0
  return { ...backoff(failures, ports), failures: failures + 1 }
}

/** Doubles from 1 s to 60 s, half of it random: never so short that a server is asked over and over. */
function backoff(failuresBefore: number, { now, random }: ClockPorts): Span {
  return spanOf(now, Math.round(Math.min(30_000, 500 * 2 ** failuresBefore) * (1 + random())))
}
