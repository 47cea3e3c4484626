import type { RetryPolicy } from './retry-policy.ts'

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
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1000, LONGEST_MS)
  const at = /^[A-Z][a-z]{2}/.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(at)) return undefined
  const serverNow = Date.parse(headers.get('date') ?? '')
  return Math.min(Math.max(0, at - (Number.isNaN(serverNow) ? now : serverNow)), LONGEST_MS)
}

/** A server that names more may be mistaken, or its clock is: after a day it is asked again. */
const LONGEST_MS = 24 * 60 * 60 * 1000
