import { startHoldfast } from 'holdfast/sw'
import { cleanupOutdatedCaches, type PrecacheEntry, precacheAndRoute } from 'workbox-precaching'

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: PrecacheEntry[] }

// As before: vite-plugin-pwa puts the files of the build in here, and Workbox serves them.
precacheAndRoute(self.__WB_MANIFEST)
cleanupOutdatedCaches()

// New: the outbox is delivered, also with every tab closed, and what the app reads is kept.
startHoldfast({ caching: [{ match: '/api/**', strategy: 'network-first', timeoutMs: 3000 }] })
