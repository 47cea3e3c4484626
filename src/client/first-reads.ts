/**
 * On the first visit, what the page reads before the worker controls it goes past the worker, and would not be there
 * offline. When the worker takes over, it is told these addresses, and stores those that a caching rule matches: by the
 * message `CACHE_URLS` of workbox-window, so the rules say what is asked for and what is kept.
 */
export function keepFirstReads(): void {
  if (typeof document === 'undefined') return
  watchFirstReads({
    container: navigator.serviceWorker,
    performance,
    Observer: PerformanceObserver,
    address: () => location.href,
  })
}

/** What a page gives. */
export interface ReadPorts {
  /** An insecure context has none. */
  container: ServiceWorkerContainer | undefined
  performance: Performance
  Observer: typeof PerformanceObserver
  address: () => string
}

/** The same, with what the page gives. */
export function watchFirstReads({ container, performance, Observer, address }: ReadPorts): void {
  if (!container || container.controller) return
  const onControl = () => {
    const since = performance.now()
    const tell = (urlsToCache: string[]) => {
      container.controller?.postMessage({ type: 'CACHE_URLS', payload: { urlsToCache } })
    }
    tell([address()])
    // Also those that are on their way: they are listed when they have ended.
    const observer = new Observer(list => {
      const entries = list.getEntries() as PerformanceResourceTiming[]
      const before = entries.filter(({ startTime }) => startTime < since).filter(isRead)
      if (before.length > 0) tell([...new Set(before.map(({ name }) => name))])
      if (entries.some(({ startTime }) => startTime > since + LONG_MS)) observer.disconnect()
    })
    observer.observe({ type: 'resource', buffered: true })
  }
  container.addEventListener('controllerchange', onControl, { once: true })
}

/** What has been on its way for longer is not waited for. */
const LONG_MS = 30_000

/** Not what is known to have failed; another origin does not say it. Nor streams of events, which are `other`. */
function isRead({ initiatorType, responseStatus = 0 }: PerformanceResourceTiming): boolean {
  return !['beacon', 'other'].includes(initiatorType) && (responseStatus === 0 || responseStatus === 200)
}
