import type { Handlers } from '../src/outbox/handlers.ts'
import type { CachingRule, NavigationFallback } from '../src/protocol/caching.ts'
import { DEFAULT_NAME } from '../src/protocol/names.ts'
import { addLifecycle } from './lifecycle.ts'
import { createPrecache, type Precache, type PrecacheEntry } from './precache.ts'
import { startReplay } from './replay.ts'
import { addRoutes } from './routes.ts'

/** The options of `startHoldfast`, checked. */
export interface CheckedOptions {
  name?: string
  manifest?: readonly (PrecacheEntry | string)[]
  rules?: readonly CachingRule[]
  fallback?: NavigationFallback | false
  handlers?: Handlers
}

/** What a running worker says about itself. */
export interface HoldfastWorker {
  name: string
  /** The addresses that are served from the precache, absolute. */
  precached: string[]
  /** The precached page that answers failed navigations, absolute; undefined when there is none. */
  navigationFallback?: string
}

/** Starts the worker. The plugin checks its options when it builds, and its worker begins here. */
export function runWorker({
  name = DEFAULT_NAME,
  manifest = [],
  rules = [],
  fallback,
  handlers,
}: CheckedOptions): HoldfastWorker {
  const scope = globalThis as unknown as ServiceWorkerGlobalScope
  const precache = createPrecache(scope, name, manifest)
  const found = findFallback(precache, fallback)
  const cacheName = `holdfast:runtime:${name}:${scope.registration.scope}`
  addLifecycle(scope, precache)
  addRoutes(scope, { precache, rules, fallback: found, cacheName })
  startReplay({ name, scope, handlers })
  return { name, precached: precache.controller.getCachedURLs(), navigationFallback: found?.url }
}

function findFallback(
  { controller }: Precache,
  wanted: NavigationFallback | false = { url: 'index.html' },
): NavigationFallback | undefined {
  if (wanted === false) return undefined
  const url = new URL(wanted.url, location.href).href
  return controller.getCacheKeyForURL(url) === undefined ? undefined : { ...wanted, url }
}
