/** The least that does it, by hand: nothing is checked, and nothing may go wrong. */
declare const self: ServiceWorkerGlobalScope

self.addEventListener('install', event => event.waitUntil(self.skipWaiting()))
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()))
self.addEventListener('fetch', event => {
  const [, folder, name = ''] = new URL(event.request.url).pathname.split('/')
  if (folder === 'data') event.respondWith(answer(event, name))
})

async function answer(event: FetchEvent, name: string): Promise<Response> {
  const { request } = event
  if (name === 'network-only') return fetch(request)
  const cache = await caches.open(`minimal-${name}`)
  const ask = async () => {
    const response = await fetch(request)
    event.waitUntil(cache.put(request, response.clone()))
    return response
  }
  if (name === 'network-first') return ask().catch(async () => (await cache.match(request)) ?? Response.error())
  const stored = await cache.match(request)
  if (name === 'stale-while-revalidate' && stored) event.waitUntil(ask())
  return stored ?? ask()
}
