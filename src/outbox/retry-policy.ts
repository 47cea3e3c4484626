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

/**
 * How long to wait before the next attempt: full jitter, a random time from 0 to the exponential bound (AWS
 * Architecture Blog, "Exponential Backoff and Jitter"), and never less than what the server asked for.
 *
 * @example
 * retryDelay({ failures: 3, policy: DEFAULT_RETRY, random: () => 0.5 }) // 2000: half of 1000 · 2²
 */
export function retryDelay({
  failures,
  policy,
  random,
  retryAfterMs = 0,
}: {
  failures: number
  policy: Pick<RetryPolicy, 'baseMs' | 'capMs'>
  random: () => number
  retryAfterMs?: number
}): number {
  const bound = Math.min(policy.capMs, policy.baseMs * 2 ** Math.max(0, failures - 1))
  return Math.max(retryAfterMs, Math.round(random() * bound))
}

/**
 * Reads `Retry-After` (RFC 9110 §10.2.3): whole seconds, or a date, which is held against the server's own `Date` so
 * that a wrong device clock does not matter. Anything else is ignored.
 */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const at = /^[A-Z][a-z]{2}/.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(at)) return undefined
  const serverNow = Date.parse(headers.get('date') ?? '')
  return Math.max(0, at - (Number.isNaN(serverNow) ? now : serverNow))
}
