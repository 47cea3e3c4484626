import { isAhead } from './span.ts'

/**
 * How many requests may be under way at once towards one origin. Plain data, stored between two runs. `limit` is a
 * fraction while it grows; whole requests are what `wholeLimit()` gives.
 */
export interface ConcurrencyLimit {
  readonly limit: number
  /** Whether it still doubles per round trip: until the first sign of too much. */
  readonly slowStart: boolean
  /** The recent round trip, smoothed; 0 before the first answer. Milliseconds. */
  readonly shortRttMs: number
  /** The round trip of an origin that is not busy, as far as it is known; 0 before the first answer. Milliseconds. */
  readonly longRttMs: number
  /** When the last answer came. Milliseconds since the epoch; 0 for never. */
  readonly answeredAt: number
  /** When it last fell. Milliseconds since the epoch; 0 for never. */
  readonly decreasedAt: number
}

/** Between which whole numbers the limit moves. The same number twice fixes it. */
export interface LimitBounds {
  readonly min: number
  readonly max: number
}

/** What one answer says about the limit. */
export interface LimitSample {
  /** From sending to the answer, in milliseconds. */
  readonly rttMs: number
  /** Requests under way when the answer came, this one included. */
  readonly inFlight: number
  /** Whether more was waiting to be sent. */
  readonly moreWork: boolean
  /** 429, 503 or a time-out. */
  readonly overloaded: boolean
  readonly now: number
}

const START = 2
const OVERLOAD_RATIO = 0.5
const LATENCY_RATIO = 0.9
/** The round trip may grow to this many times that of an idle origin before it counts as queueing. */
const TOLERANCE = 2
/** Below this, a longer round trip is noise of the device, not a queue. */
const FLOOR_MS = 20
/** What additive increase adds per round trip: half a request, so that a limit just above the knee is tried seldom. */
const INCREASE = 0.5
/** How far one answer moves the smoothed round trip. */
const SHORT_SHARE = 1 / 8
/** A request that was alone met no queue of ours: its round trip is the origin's own, whatever it was before. */
const ALONE_SHARE = 1 / 4
const FALL_SHARE = 1 / 50
/** Next to nothing: a queue that stands must not become the measure. */
const RISE_SHARE = 1 / 5000

export function freshLimit({ min, max }: LimitBounds): ConcurrencyLimit {
  return { limit: clamp(START, min, max), slowStart: true, shortRttMs: 0, longRttMs: 0, answeredAt: 0, decreasedAt: 0 }
}

/** How many requests may be under way: a whole number within the bounds. */
export function wholeLimit({ limit }: ConcurrencyLimit, { min, max }: LimitBounds): number {
  return clamp(Math.floor(limit), min, max)
}

/**
 * The limit after an answer: additive increase, multiplicative decrease (Chiu and Jain 1989), with the slow start and
 * the once-per-round-trip decrease of TCP (RFC 5681).
 *
 * It falls by half where the server refuses (429, 503, time-out) and by a tenth where the round trip passes twice that
 * of an idle origin; only the answer to a request sent after the last fall may make it fall again, so that one overload
 * counts once. A slower network looks like a queue at first: the limit falls to one, the round trip of requests that are
 * alone becomes the new measure, and the limit grows again. It grows only where it was the limit: at least half of it
 * was in use, and more was waiting (Netflix concurrency-limits, `AIMDLimit`). It holds for HTTP/1.1 and HTTP/2 alike,
 * since it looks at round trips alone: what the browser queues beyond six connections shows as a longer one.
 *
 * @example
 * const bounds = { min: 1, max: 6 }
 * const answer = { rttMs: 5, inFlight: 2, moreWork: true, overloaded: false, now: 1_000 }
 * wholeLimit(afterAnswer(freshLimit(bounds), answer, bounds), bounds) // 3: slow start adds one per answer
 */
export function afterAnswer(state: ConcurrencyLimit, sample: LimitSample, { min, max }: LimitBounds): ConcurrencyLimit {
  const next = sample.overloaded ? state : withRoundTrip(state, sample)
  const { limit, slowStart } = next
  // Sent before the limit last fell, it tells of the load that made it fall.
  if (sample.now - sample.rttMs <= state.decreasedAt && !isAhead(state.decreasedAt, sample.now)) return next
  const isQueueing = next.shortRttMs > Math.max(FLOOR_MS, TOLERANCE * next.longRttMs)
  const ratio = sample.overloaded ? OVERLOAD_RATIO : isQueueing ? LATENCY_RATIO : 0
  if (ratio) return { ...next, limit: clamp(limit * ratio, min, max), slowStart: false, decreasedAt: sample.now }
  const wasNotTheLimit = !sample.moreWork || sample.inFlight * 2 < limit
  return wasNotTheLimit ? next : { ...next, limit: clamp(limit + (slowStart ? 1 : INCREASE / limit), min, max) }
}

function withRoundTrip(state: ConcurrencyLimit, { rttMs, inFlight, now }: LimitSample): ConcurrencyLimit {
  if (!(rttMs >= 0 && rttMs < Number.POSITIVE_INFINITY)) return state
  const before = state.longRttMs || rttMs
  const shortRttMs = towards(state.shortRttMs || rttMs, rttMs, SHORT_SHARE)
  // Nothing else is under way, and nothing else was answered since it was sent.
  const wasAlone = inFlight <= 1 && now - rttMs >= state.answeredAt
  const longRttMs = wasAlone
    ? towards(before, rttMs, ALONE_SHARE)
    : towards(before, shortRttMs, shortRttMs < before ? FALL_SHARE : RISE_SHARE)
  return { ...state, shortRttMs, longRttMs, answeredAt: now }
}

function towards(from: number, to: number, share: number): number {
  return from + (to - from) * share
}

/** What is no number becomes the lowest: a limit that is none would let nothing through, for good. */
export function clamp(value: number, min: number, max: number): number {
  return value > min ? Math.min(value, max) : min
}
