import type { Settlement } from '../protocol/settlement.ts'

/** The record of `meta` with the time at which the server last confirmed a write. */
export const LAST_SYNC_KEY = 'last-sync-at'

/** How a mutation ended, kept in `meta` so that a page can learn it that was not there, or was reloaded. */
export interface SettledRecord {
  /** Milliseconds since the epoch. */
  at: number
  settlement: Settlement
  /** What it counts in the counters of answers. */
  bytes?: number
}

export function settledKey(id: string): string {
  return `${SETTLED_PREFIX}${id}`
}

/** What the keys of all answers begin with. */
export const SETTLED_PREFIX = 'settled:'

/**
 * The key of the record of `meta` that says that a person took a mutation back. Unlike its answer it is not forgotten after
 * a day: what is made to depend on it later must not take its absence for success.
 */
export function cancelledKey(id: string): string {
  return `cancelled:${id}`
}
