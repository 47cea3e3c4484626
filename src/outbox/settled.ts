import type { Settlement } from '../protocol/settlement.ts'

/** The record of `meta` with the time at which the server last confirmed a write. */
export const LAST_SYNC_KEY = 'last-sync-at'

/** How a mutation ended, kept in `meta` so that a page can learn it that was not there, or was reloaded. */
export interface SettledRecord {
  /** Milliseconds since the epoch. */
  at: number
  settlement: Settlement
}

export function settledKey(id: string): string {
  return `${SETTLED_PREFIX}${id}`
}

/** What the keys of all answers begin with. */
export const SETTLED_PREFIX = 'settled:'
