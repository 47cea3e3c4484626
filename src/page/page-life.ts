/** What a page does as it is put away and taken out again. Both may be called more often than once. */
export interface PageLife {
  onLeave: () => void
  onReturn: () => void
}

export interface PageLifeOptions {
  window: EventTarget
  document: EventTarget
  signal: AbortSignal
}

/**
 * Follows the life of the page (Page Lifecycle; HTML §7.4.6): it is put away for good, into the back-forward cache, or
 * frozen where it stands. In the cache a message evicts it. Frozen it would still hear messages, begin a transaction for
 * one, and never end it, so that every other tab waits for the database. What is done on the way out is done at once, or
 * never.
 */
export function followPageLife({ onLeave, onReturn }: PageLife, { window, document, signal }: PageLifeOptions): void {
  for (const [target, type, fn] of [
    [window, 'pagehide', onLeave],
    [document, 'freeze', onLeave],
    [window, 'pageshow', onReturn],
    [document, 'resume', onReturn],
  ] as const) {
    target.addEventListener(type, fn, { signal })
  }
}
