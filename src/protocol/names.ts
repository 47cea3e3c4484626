/** The name that everything takes when the app gives none. */
export const DEFAULT_NAME = 'holdfast'

/** The stores of the database, fixed: one database, one layout, whoever opens it. */
export const STORES = ['mutations', 'dead', 'conflicts', 'records', 'blobs', 'meta'] as const

export type StoreName = (typeof STORES)[number]

/** The names that page, worker and plugin must agree on without talking to each other. */
export interface Names {
  database: string
  lock: string
  channel: string
  /** The channel and the lock by which tabs elect their leader. */
  tabs: string
  /** Followed by a number: Chromium does not bring a tag forward that waits for its retry, so a sooner one is a new tag. */
  syncTagPrefix: string
}

/**
 * Derives every shared name from the one name of an outbox.
 *
 * @example
 * namesOf('holdfast').lock // 'holdfast:drain'
 */
export function namesOf(name: string = DEFAULT_NAME): Names {
  return {
    database: name,
    lock: `${name}:drain`,
    channel: name,
    tabs: `${name}:leader`,
    syncTagPrefix: `${name}:drain:`,
  }
}
