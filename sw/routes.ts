import { PrecacheRoute } from 'workbox-precaching/PrecacheRoute.js'
import { Route } from 'workbox-routing/Route.js'
import { Router } from 'workbox-routing/Router.js'
import { NetworkOnly } from 'workbox-strategies/NetworkOnly.js'
import { createUrlMatcher, type NavigationFallback } from '../src/protocol/caching.ts'
import type { Precache } from './precache.ts'
import type { StartedPart } from './reads/read-part.ts'

/** What decides the answer to a GET request. */
export interface RouteOptions {
  precache: Precache
  parts: readonly StartedPart[]
  /** Must be a file of the precache. */
  fallback?: NavigationFallback
}

/**
 * Answers GET requests: files of the precache first, then the caching rules in their order, then pages. Everything else,
 * and every other method, stays with the browser, or with other listeners of the same worker.
 *
 * A page that is not a precached file is asked of the network first: a path that looks like one of the app's may be a
 * route of the server, such as the return address of an OAuth sign-in. Only when the network fails, or is silent for
 * three seconds, does the fallback answer.
 */
export function addRoutes(scope: ServiceWorkerGlobalScope, { precache, parts, fallback }: RouteOptions): void {
  const router = new Router()
  router.registerRoute(new PrecacheRoute(precache.controller))
  for (const { routes = [] } of parts) for (const route of routes) router.registerRoute(route)
  // What a page has read before this worker controlled it.
  if (parts.some(({ cacheNames = [] }) => cacheNames.length > 0)) router.addCacheListener()
  const answerPage = fallback && addFallback(router, precache, fallback)
  router.setCatchHandler(async options => {
    for (const { standIn } of parts) {
      const response = await standIn?.(options)
      if (response) return response
    }
    // What the page would have got without a worker: `fetch` rejects with a TypeError.
    return (await answerPage?.(options)) ?? Response.error()
  })
  scope.addEventListener('fetch', event => {
    const { request } = event
    const answer = () => router.handleRequest({ request, event })
    const response = precache.findRetired(request)?.then(found => found ?? answer() ?? fetch(request)) ?? answer()
    if (response) event.respondWith(response)
  })
}

const NAVIGATION_TIMEOUT_SECONDS = 3

function addFallback(
  router: Router,
  { controller }: Precache,
  { url, deny = [] }: NavigationFallback,
): NonNullable<StartedPart['standIn']> {
  const isDenied = createDenyList(deny)
  const isPage = (request: Request, url: URL) => request.mode === 'navigate' && !isDenied(url)
  const network = new NetworkOnly({ networkTimeoutSeconds: NAVIGATION_TIMEOUT_SECONDS })
  router.registerRoute(new Route(({ request, url }) => isPage(request, url), network))
  const answerPage = controller.createHandlerBoundToURL(url)
  return async options => {
    const asked = new URL(options.request.url)
    if (!isPage(options.request, asked)) return undefined
    // A page of its own goes before the fallback, whatever its query, and however the host writes its address.
    const path = asked.pathname.replace(/\/$/, '')
    const own = [path, `${path}.html`, `${path}/index.html`].find(file => controller.getCacheKeyForURL(file))
    return (own ? controller.createHandlerBoundToURL(own) : answerPage)(options)
  }
}

function createDenyList(deny: readonly (string | RegExp)[]): (url: URL) => boolean {
  const tests = deny.map(pattern => {
    if (pattern instanceof RegExp) return (url: URL) => (url.pathname + url.search).search(pattern) >= 0
    const matches = createUrlMatcher(pattern)
    return (url: URL) => matches(url, true)
  })
  return url => tests.some(test => test(url))
}
