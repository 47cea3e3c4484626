import type { Precache } from './precache.ts'

export interface LifecycleOptions {
  precache: Precache
  /** Caches that are to stay when this version takes over. */
  keptCaches: readonly string[]
  /** Whether the browser asks for a page while the worker starts (Service Workers §5.3.5). */
  navigationPreload: boolean
}

/**
 * Installs the precache, takes over the open pages on activation, and lets a waiting version go ahead when a page posts
 * `{ type: 'SKIP_WAITING' }`: the message that workbox-window and vite-plugin-pwa send too.
 */
export function addLifecycle(
  scope: ServiceWorkerGlobalScope,
  { precache, keptCaches, navigationPreload }: LifecycleOptions,
): void {
  scope.addEventListener('install', event => event.waitUntil(precache.install(event)))
  scope.addEventListener('activate', event => {
    event.waitUntil(scope.clients.claim())
    event.waitUntil(precache.cleanUp(keptCaches))
    // It stays as it is from version to version.
    event.waitUntil(scope.registration.navigationPreload?.[navigationPreload ? 'enable' : 'disable']())
  })
  scope.addEventListener('message', event => {
    if (isSkipWaiting(event.data)) event.waitUntil(scope.skipWaiting())
  })
}

/** Other scripts post messages of their own shape, null among them. */
function isSkipWaiting(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'type' in data && data.type === 'SKIP_WAITING'
}
