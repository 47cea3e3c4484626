/** What a page does as it is put away and taken out again. */
export interface PageLife {
  /** It may be gone for good, or go into the back-forward cache. */
  onLeave: () => void
  /** It stays where it is, and its scripts stop. */
  onFreeze: () => void
  onReturn: () => void
}

export interface PageLifeOptions {
  window: EventTarget
  document: EventTarget
  signal: AbortSignal
}

/** Follows the life of the page (Page Lifecycle; HTML §7.4.6). What is called on the way out runs at once, or never. */
export function followPageLife({ onLeave, onFreeze, onReturn }: PageLife, options: PageLifeOptions): void {
  const { window, document, signal } = options
  window.addEventListener('pagehide', onLeave, { signal })
  document.addEventListener('freeze', onFreeze, { signal })
  window.addEventListener('pageshow', onReturn, { signal })
  document.addEventListener('resume', onReturn, { signal })
}
