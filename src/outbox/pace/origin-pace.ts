import {
  breakerAfterAnswer,
  breakerAfterNoAnswer,
  breakerAfterSend,
  breakerPhase,
  type CircuitBreaker,
  CLOSED_BREAKER,
  isCircuitBreaker,
} from './circuit-breaker.ts'
import {
  afterAnswer,
  type ConcurrencyLimit,
  freshLimit,
  isConcurrencyLimit,
  type LimitBounds,
  wholeLimit,
} from './concurrency-limit.ts'
import type { RateLimit } from './rate-limit-fields.ts'
import { FRESH_BUDGET, isRetryBudget, onRequest, onRetryConfirmed, type RetryBudget } from './retry-budget.ts'
import { hasNumbers, isSpan, liveUntil, type Span, spanOf } from './span.ts'

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

export interface AnswerPorts {
  readonly now: number
  readonly random: () => number
  readonly bounds: LimitBounds
}

/** Longer than any attempt lasts: until then a probe that was not heard of may still be under way. */
const PROBE_LEASE_MS = 60_000
/** From this many on, what is left of a quota is spread over the time that it has to last. */
const LAST_FEW = 10
/** The last few of a daily quota are not held back for hours each. */
const WIDEST_GAP_MS = 60_000
const BACKOFF = { baseMs: 1_000, capMs: 60_000 }
/** After the time that a server named, its clients come back spread over a tenth more, at most this. */
const WIDEST_SPREAD_MS = 5_000

export function freshPace(bounds: LimitBounds): OriginPace {
  return { limit: freshLimit(bounds), breaker: CLOSED_BREAKER, budget: FRESH_BUDGET, refusals: 0, sentAt: 0 }
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
export function decide(state: OriginPace, input: DecideInput): Decision {
  const { now, inFlight } = input
  const phase = breakerPhase(state.breaker, now)
  const reasons = [
    liveUntil(state.pause, now),
    phase.kind === 'open' ? phase.until : undefined,
    unreachableUntil(state, input),
    quotaUntil(state, now),
  ].filter(until => until !== undefined)
  if (reasons.length > 0) return { kind: 'wait', until: Math.max(...reasons) }
  if (phase.kind === 'half-open') return inFlight > 0 ? { kind: 'go', slots: 0 } : { kind: 'probe' }
  return { kind: 'go', slots: Math.max(0, mostInFlight(state, input) - inFlight) }
}

/** To be called when a request goes out, before its answer can come. */
export function onSend(state: OriginPace, { now, isRetry }: { now: number; isRetry: boolean }): OriginPace {
  return {
    ...state,
    breaker: breakerAfterSend(state.breaker, { now, leaseMs: PROBE_LEASE_MS }),
    budget: onRequest(state.budget, now, isRetry),
    quota: state.quota && { ...state.quota, remaining: Math.max(0, state.quota.remaining - 1) },
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
  const { now, random } = ports
  const breaker = breakerFor(state, answer, ports)
  const budget = answer.isRetry && isSuccess(answer) ? onRetryConfirmed(state.budget) : state.budget
  const next = { ...state, breaker, budget, limit: limitFor(state, answer, ports) }
  if (answer.status === 'timeout') return { ...next, unreachable: unreachableAfter(state, now, random) }
  const heard = { ...next, ...rateLimitOf(state, answer, now), unreachable: undefined }
  if (!isOverloaded(answer)) return { ...heard, refusals: 0 }
  if (answer.retryAfterMs === undefined) return slowedDown(heard, state, ports)
  return { ...heard, quota: undefined, pause: laterPause(state.pause, spread(answer.retryAfterMs, random), now) }
}

/**
 * The pace after a request that the network gave no answer to. Nothing goes to this origin for a time that doubles with
 * each such failure in a row (1 s to 60 s, half of it random), then one request at a time until an answer comes. What
 * was under way at the same time counts as one failure. The circuit breaker does not count it: it says nothing of the
 * server.
 */
export function onNetworkFailure(
  state: OriginPace,
  { rttMs }: { rttMs: number },
  { now, random }: { now: number; random: () => number },
): OriginPace {
  return { ...onAbandoned(state, { rttMs }, { now }), unreachable: unreachableAfter(state, now, random) }
}

/** The pace after an attempt that we ended ourselves, because our time was up: nothing was learned. */
export function onAbandoned(state: OriginPace, { rttMs }: { rttMs: number }, { now }: { now: number }): OriginPace {
  return { ...state, breaker: breakerAfterNoAnswer(state.breaker, { sentAt: now - rttMs }) }
}

/** The pace after a long rest: what was measured is out of date; what the server asked for still holds. */
export function afterRest(state: OriginPace, bounds: LimitBounds): OriginPace {
  return { ...state, limit: freshLimit(bounds), unreachable: undefined, refusals: 0 }
}

export function isOriginPace(value: unknown): value is OriginPace {
  if (typeof value !== 'object' || value === null || !hasNumbers(value, ['refusals', 'sentAt'])) return false
  const { limit, breaker, budget, pause, quota, ceiling, unreachable } = value as Partial<OriginPace>
  return (
    isConcurrencyLimit(limit) &&
    isCircuitBreaker(breaker) &&
    isRetryBudget(budget) &&
    (pause === undefined || isSpan(pause)) &&
    (quota === undefined || (isSpan(quota) && hasNumbers(quota, ['remaining']))) &&
    (ceiling === undefined || Number.isFinite(ceiling)) &&
    (unreachable === undefined || (isSpan(unreachable) && hasNumbers(unreachable, ['failures'])))
  )
}

function mostInFlight(state: OriginPace, { now, inFlight, bounds }: DecideInput): number {
  const quota = liveQuota(state, now)
  return Math.min(
    wholeLimit(state.limit, bounds),
    state.ceiling ?? Number.POSITIVE_INFINITY,
    state.unreachable ? 1 : Number.POSITIVE_INFINITY,
    quota ? inFlight + (quota.remaining <= LAST_FEW ? 1 : quota.remaining) : Number.POSITIVE_INFINITY,
  )
}

function unreachableUntil({ unreachable }: OriginPace, { now, eagerBefore = 0 }: DecideInput): number | undefined {
  return unreachable && unreachable.at >= eagerBefore ? liveUntil(unreachable, now) : undefined
}

/** Until its end where the quota is used up; until the next one is due where few are left. */
function quotaUntil(state: OriginPace, now: number): number | undefined {
  const quota = liveQuota(state, now)
  if (!quota || quota.remaining > LAST_FEW) return undefined
  if (quota.remaining === 0) return quota.until
  const from = Math.min(now, Math.max(state.sentAt, quota.at))
  const next = from + Math.min(WIDEST_GAP_MS, (quota.until - from) / (quota.remaining + 1))
  return next > now ? Math.ceil(next) : undefined
}

function liveQuota({ quota }: OriginPace, now: number): Quota | undefined {
  return liveUntil(quota, now) === undefined ? undefined : quota
}

/** What other requests under way will take may not be in the count of this answer: it is taken off. */
function rateLimitOf(
  { quota, ceiling }: OriginPace,
  { rateLimit, inFlight }: PaceAnswer,
  now: number,
): Pick<OriginPace, 'quota' | 'ceiling'> {
  if (!rateLimit) return { quota, ceiling }
  const { remaining, resetMs, policies } = rateLimit
  const atOnce = policies.filter(({ unit }) => unit === 'concurrent-requests').map(policy => policy.quota)
  const said = remaining !== undefined && resetMs !== undefined
  return {
    ceiling: atOnce.length > 0 ? Math.max(1, Math.min(...atOnce)) : ceiling,
    quota: said ? { ...spanOf(now, resetMs), remaining: Math.max(0, remaining - (inFlight - 1)) } : quota,
  }
}

function breakerFor(state: OriginPace, answer: PaceAnswer, ports: AnswerPorts): CircuitBreaker {
  // A closed breaker does not count a 429: it is neither a failure nor a sign that the next one will succeed.
  if (answer.status === 429 && state.breaker.opened === 0) return state.breaker
  return breakerAfterAnswer(state.breaker, { failed: isFailure(answer), sentAt: ports.now - answer.rttMs }, ports)
}

/** The time of an answer that failed (an error page, a quick refusal) is not that of the work. */
function limitFor({ limit }: OriginPace, answer: PaceAnswer, { now, bounds }: AnswerPorts): ConcurrencyLimit {
  const overloaded = isOverloaded(answer)
  if (!overloaded && !isSuccess(answer)) return limit
  const { rttMs, inFlight, moreWork } = answer
  return afterAnswer(limit, { rttMs, inFlight, moreWork, overloaded, now }, bounds)
}

/** Still refused at the slowest pace: then the pace has to be slower than one at a time. */
function slowedDown(next: OriginPace, before: OriginPace, { now, random, bounds }: AnswerPorts): OriginPace {
  if (wholeLimit(before.limit, bounds) > bounds.min || liveUntil(before.pause, now) !== undefined) return next
  const refusals = before.refusals + 1
  return { ...next, refusals, pause: spanOf(now, backoff(refusals, random)) }
}

function unreachableAfter({ unreachable }: OriginPace, now: number, random: () => number): OriginPace['unreachable'] {
  if (unreachable && liveUntil(unreachable, now) !== undefined) return unreachable
  const failures = (unreachable?.failures ?? 0) + 1
  return { ...spanOf(now, backoff(failures, random)), failures }
}

function laterPause(pause: Span | undefined, lengthMs: number, now: number): Span {
  const next = spanOf(now, lengthMs)
  return pause && (liveUntil(pause, now) ?? 0) > next.until ? pause : next
}

function spread(lengthMs: number, random: () => number): number {
  return lengthMs + Math.round(random() * Math.min(lengthMs / 10, WIDEST_SPREAD_MS))
}

/** Doubles, half of it random: never so short that a server is asked over and over. */
function backoff(failures: number, random: () => number): number {
  const bound = Math.min(BACKOFF.capMs, BACKOFF.baseMs * 2 ** Math.min(failures - 1, 10))
  return Math.round((bound * (1 + random())) / 2)
}

function isOverloaded({ status }: PaceAnswer): boolean {
  return status === 429 || status === 503 || status === 'timeout'
}

function isFailure({ status }: PaceAnswer): boolean {
  return status === 'timeout' || status === 408 || status >= 500
}

function isSuccess({ status }: PaceAnswer): boolean {
  return typeof status === 'number' && status >= 200 && status < 300
}
