/** After the last write of a burst, this long until it is told. Milliseconds. */
const QUIET_MS = 50
/** However long a burst lasts, it is told this often. Milliseconds. */
const AT_MOST_MS = 250

export interface AnnounceOptions {
  /** Tells tabs and worker that these mutations are in the outbox. */
  tell: (ids: string[]) => void
  /** Says `pagehide`. */
  window: EventTarget
  /** Milliseconds that only grow. */
  now: () => number
  signal: AbortSignal
}

/**
 * Spreads the word about mutations that are stored. The first is told at once. Those of a burst behind it are told
 * together: when it pauses, at the latest after a quarter of a second, and when the page or the client ends. To wake the
 * worker and have every tab count anew for each of them costs several times what recording it costs, on the database that
 * they all wait for.
 */
export function createAnnounce({ tell, window, now, signal }: AnnounceOptions): (id: string) => void {
  let untold: string[] = []
  let toldAt = Number.NEGATIVE_INFINITY
  let timer: ReturnType<typeof setTimeout> | undefined

  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    const ids = untold
    untold = []
    toldAt = now()
    if (ids.length > 0) tell(ids)
  }
  window.addEventListener('pagehide', flush, { signal })
  signal.addEventListener('abort', flush)

  return id => {
    untold.push(id)
    const sinceTold = now() - toldAt
    const isBurst = timer !== undefined || sinceTold < QUIET_MS
    if (!isBurst || sinceTold >= AT_MOST_MS) return flush()
    clearTimeout(timer)
    timer = setTimeout(flush, QUIET_MS)
  }
}
