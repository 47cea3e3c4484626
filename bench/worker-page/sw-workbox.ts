/** Bare Workbox, as its documentation shows it. */
import { clientsClaim } from 'workbox-core'
import { precacheAndRoute } from 'workbox-precaching'
import { registerRoute } from 'workbox-routing'
import { CacheFirst, CacheOnly, NetworkFirst, NetworkOnly, StaleWhileRevalidate } from 'workbox-strategies'

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: { url: string; revision: string | null }[] }

const BY_NAME = {
  'cache-first': CacheFirst,
  'network-first': NetworkFirst,
  'stale-while-revalidate': StaleWhileRevalidate,
  'cache-only': CacheOnly,
}

void self.skipWaiting()
clientsClaim()
precacheAndRoute(self.__WB_MANIFEST)
for (const [name, Strategy] of Object.entries(BY_NAME)) {
  registerRoute(({ url }) => url.pathname.startsWith(`/data/${name}/`), new Strategy({ cacheName: `workbox-${name}` }))
}
registerRoute(({ url }) => url.pathname.startsWith('/data/network-only/'), new NetworkOnly())
