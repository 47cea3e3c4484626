import { PrecacheRoute } from 'workbox-precaching/PrecacheRoute.js'
import { Route } from 'workbox-routing/Route.js'
import { Router } from 'workbox-routing/Router.js'
import { CacheFirst } from 'workbox-strategies/CacheFirst.js'
import { CacheOnly } from 'workbox-strategies/CacheOnly.js'
import { NetworkFirst } from 'workbox-strategies/NetworkFirst.js'
import { NetworkOnly } from 'workbox-strategies/NetworkOnly.js'
import { StaleWhileRevalidate } from 'workbox-strategies/StaleWhileRevalidate.js'
import type { Strategy } from 'workbox-strategies/Strategy.js'
import { type CachingRule, createUrlMatcher, type NavigationFallback } from '../src/protocol/caching.ts'
import type { Precache } from './precache.ts'

/** What decides the answer to a GET request. */
export interface RouteOptions {
  precache: Precache
  rules: readonly CachingRule[]
  /** The cache of rules that name none. */
  cacheName: string
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
export function addRoutes(
  scope: ServiceWorkerGlobalScope,
  { precache, rules, cacheName, fallback }: RouteOptions,
): void {
  const router = new Router()
  router.registerRoute(new PrecacheRoute(precache.controller))
  for (const rule of rules) router.registerRoute(ruleRoute(rule, cacheName))
  if (fallback) addFallback(router, precache, fallback)
  else router.setCatchHandler(networkError)
  scope.addEventListener('fetch', event => {
    const response = router.handleRequest({ request: event.request, event })
    if (response) event.respondWith(response)
  })
}

const NAVIGATION_TIMEOUT_SECONDS = 3

function addFallback(router: Router, precache: Precache, { url, deny = [] }: NavigationFallback): void {
  const isDenied = createDenyList(deny)
  const network = new NetworkOnly({ networkTimeoutSeconds: NAVIGATION_TIMEOUT_SECONDS })
  router.registerRoute(new Route(({ request, url }) => request.mode === 'navigate' && !isDenied(url), network))
  const answerPage = precache.controller.createHandlerBoundToURL(url)
  router.setCatchHandler(async options => {
    const isPage = options.request.mode === 'navigate' && !isDenied(new URL(options.request.url))
    return isPage ? answerPage(options) : networkError()
  })
}

function ruleRoute(rule: CachingRule, defaultCache: string): Route {
  const matches = createUrlMatcher(rule.match)
  return new Route(({ url, sameOrigin }) => matches(url, sameOrigin), createStrategy(rule, defaultCache))
}

function createStrategy({ strategy, cacheName, timeoutMs }: CachingRule, defaultCache: string): Strategy {
  const options = { cacheName: cacheName ?? defaultCache, plugins: [onlyOk] }
  const networkTimeoutSeconds = timeoutMs && timeoutMs / 1000
  switch (strategy) {
    case 'cache-first':
      return new CacheFirst(options)
    case 'network-first':
      return new NetworkFirst({ ...options, networkTimeoutSeconds })
    case 'stale-while-revalidate':
      return new StaleWhileRevalidate(options)
    case 'network-only':
      return new NetworkOnly({ networkTimeoutSeconds })
    case 'cache-only':
      return new CacheOnly(options)
  }
}

/** An opaque response has status 0: it may be an error page, and there is no way to find out. */
const onlyOk = {
  cacheWillUpdate: async ({ response }: { response: Response }) => (response.status === 200 ? response : null),
}

function createDenyList(deny: readonly (string | RegExp)[]): (url: URL) => boolean {
  const tests = deny.map(pattern => {
    if (pattern instanceof RegExp) return (url: URL) => (url.pathname + url.search).search(pattern) >= 0
    const matches = createUrlMatcher(pattern)
    return (url: URL) => matches(url, true)
  })
  return url => tests.some(test => test(url))
}

/** What the page would have got without a worker: `fetch` rejects with a TypeError. */
async function networkError(): Promise<Response> {
  return Response.error()
}
