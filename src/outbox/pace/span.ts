/** A stretch of time, as stored: when it was set, and until when it holds. Milliseconds since the epoch. */
export interface Span {
  readonly at: number
  readonly until: number
}

/** A clock that is corrected by less than this is not taken for one that was set back. */
const CLOCK_SLACK_MS = 1000

/** A header that is mistaken must not silence an origin for good: after a day it is asked again. */
const LONGEST_MS = 24 * 60 * 60 * 1000

/** From now on, for that long. */
export function spanOf(now: number, lengthMs: number): Span {
  return { at: now, until: now + lengthMs }
}

/**
 * Until when a span still holds, for a day at most; 0 when it is over. One from the future is over as well (the device's
 * clock was set back since, and a wait of seconds must not become one of days), and so is one that is no number.
 */
export function liveUntil(span: Span | undefined, now: number): number {
  const until = span ? Math.min(span.until, span.at + LONGEST_MS) : 0
  return span && now < until && !isAhead(span.at, now) ? until : 0
}

/** Whether a moment that was noted in the past lies in the future: the clock was set back. */
export function isAhead(at: number, now: number): boolean {
  return at > now + CLOCK_SLACK_MS
}
