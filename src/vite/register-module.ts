import { addressSource } from './location-source.ts'
import type { WorkerLocation } from './worker-location.ts'

/** The module that registers the worker: `virtual:holdfast/register`. Importing it is enough; it exports nothing. */
export const REGISTER_ID = 'virtual:holdfast/register'

/** What a rebuilt worker is announced by in `vite dev`. */
export const WORKER_CHANGED = 'holdfast:worker-changed'

/**
 * Writes that module. It waits for the load event, so that the precache does not compete with the page's own first
 * requests. `updateViaCache: 'none'` keeps an HTTP cache from holding back a new version. In development a changed worker
 * takes over at once; in production the app decides when.
 */
export function registerModule({ url, scope }: WorkerLocation, isDev: boolean): string {
  return `const register = async () => {
  try {
    const registration = await navigator.serviceWorker.register(${addressSource(url)}, {
      scope: ${addressSource(scope)},
      updateViaCache: 'none',
    })
    ${isDev ? 'follow(registration)' : ''}
  } catch (error) {
    console.warn('holdfast: the service worker ${url} could not be registered, so the app does not work offline.', error)
  }
}
if ('serviceWorker' in navigator) {
  if (document.readyState === 'complete') void register()
  else addEventListener('load', () => void register(), { once: true })
}
${isDev ? FOLLOW_CHANGES : ''}export {}
`
}

const FOLLOW_CHANGES = `function follow(registration) {
  const hurry = () => registration.waiting?.postMessage({ type: 'SKIP_WAITING' })
  registration.addEventListener('updatefound', () => {
    registration.installing?.addEventListener('statechange', hurry)
  })
  hurry()
  import.meta.hot?.on('${WORKER_CHANGED}', () => void registration.update())
}
`
