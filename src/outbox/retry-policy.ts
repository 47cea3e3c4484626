/** How often, how soon and for how long a mutation is tried again. All times in milliseconds. */
export interface RetryPolicy {
  /** Answers that ask for another attempt (408, 429, 5xx) before it is a dead letter. Being offline costs none. */
  attempts: number
  /** The first delay is drawn from 0 to this. */
  baseMs: number
  /** No delay is drawn from beyond this; a longer `Retry-After` of the server still holds. */
  capMs: number
  /** A mutation older than this becomes a dead letter instead of being sent. */
  maxAgeMs: number
}

export type RetryOptions = Partial<RetryPolicy>

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 8,
  baseMs: 1000,
  capMs: 60_000,
  maxAgeMs: 30 * 24 * 60 * 60 * 1000,
}
