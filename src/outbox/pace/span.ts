/** A stretch of time, as stored: when it was set, and until when it holds. Milliseconds since the epoch. */
export interface Span {
  readonly at: number
  readonly until: number
}

/** A clock that is corrected by less than this is not taken for one that was set back. */
const CLOCK_SLACK_MS = 1000

/** A header that is mistaken must not silence an origin for good: after a day it is asked again. */
const LONGEST_MS = 24 * 60 * 60 * 1000

/** From now on, for that long, and for a day at most. */
export function spanOf(now: number, lengthMs: number): Span {
  return { at: now, until: now + Math.min(lengthMs, LONGEST_MS) }
}

/**
 * Until when a span still holds; undefined when it is over. One from the future is over as well: the device's clock was
 * set back since, and a wait of seconds must not become one of days.
 */
export function liveUntil(span: Span | undefined, now: number): number | undefined {
  return span && now < span.until && !isAhead(span.at, now) ? span.until : undefined
}

/** Whether a moment that was noted in the past lies in the future: the clock was set back. */
export function isAhead(at: number, now: number): boolean {
  return at > now + CLOCK_SLACK_MS
}

export function isSpan(value: unknown): value is Span {
  if (typeof value !== 'object' || value === null || !hasNumbers(value, ['at', 'until'])) return false
  const { at, until } = value as Span
  return until - at <= LONGEST_MS
}

/** Whether a stored record has a finite number under each of these names. */
export function hasNumbers(record: object, names: readonly string[]): boolean {
  return names.every(name => Number.isFinite((record as Record<string, unknown>)[name]))
}
