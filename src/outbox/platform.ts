import { createTimingMarks, type MarkTiming } from './timing-marks.ts'

/** What the outbox takes from a browser context, page or worker, so that a test can give it something else. */
export interface Platform {
  fetch: typeof fetch
  /** The app's own origin. */
  origin: string
  now: () => number
  random: () => number
  /** False only where the browser knows that there is no network; true proves nothing. */
  isOnline: () => boolean
  /** Calls `fn` whenever the browser says that the network is gone, until the signal is aborted. */
  onOffline?: (fn: () => void, signal: AbortSignal) => void
  /** Shows what happens in the browser's own tools. */
  mark?: MarkTiming
  locks: LockManager | undefined
  /** Resolves after that time, or when the signal is aborted. */
  sleep: (delayMs: number, signal?: AbortSignal) => Promise<void>
  /** A signal that is aborted after that time, with a `TimeoutError`. */
  timeout: (delayMs: number) => AbortSignal
}

/** The real thing, read when it is asked for and not when this module is loaded. */
export function browserPlatform(): Platform {
  return {
    fetch: (input, init) => fetch(input, init),
    origin: location.origin,
    now: () => Date.now(),
    random: () => Math.random(),
    isOnline: () => navigator.onLine !== false,
    onOffline,
    mark: createTimingMarks(globalThis.performance),
    // Web Locks are missing in insecure contexts and in older engines.
    locks: 'locks' in navigator ? navigator.locks : undefined,
    sleep,
    timeout: delayMs => AbortSignal.timeout(delayMs),
  }
}

/** Chromium's workers have no `offline` event, but hear of the connection (NetworkInformation); other engines know only that event. */
function onOffline(fn: () => void, signal: AbortSignal): void {
  const tell = () => navigator.onLine === false && fn()
  const { connection } = navigator as { connection?: EventTarget }
  connection?.addEventListener('change', tell, { signal })
  globalThis.addEventListener('offline', tell, { signal })
}

function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const timer = setTimeout(done, Math.min(delayMs, LONGEST_TIMER_MS))
    signal?.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
  })
}

/** Beyond it a timer of the platform fires at once (HTML, 8.7: a signed 32-bit number). Who wakes too soon looks again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1
