import type { Handlers } from '../src/outbox/handlers.ts'
import type { NavigationFallback } from '../src/protocol/caching.ts'
import { DEFAULT_NAME } from '../src/protocol/names.ts'
import { addLifecycle } from './lifecycle.ts'
import { createPrecache, type Precache, type PrecacheEntry } from './precache.ts'
import type { ReadPart } from './reads/read-part.ts'
import { type Runner, startReplay } from './replay.ts'
import { addRoutes } from './routes.ts'

/** The options of `startHoldfast`, checked. */
export interface CheckedOptions {
  name?: string
  manifest?: readonly (PrecacheEntry | string)[]
  /** What answers GET requests beyond the precache. */
  reads?: readonly ReadPart[]
  fallback?: NavigationFallback | false
  /** Default false. */
  navigationPreload?: boolean
  handlers?: Handlers
  /** What drains, where something else of this worker has made it. */
  runner?: Runner
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
  reads = [],
  fallback,
  navigationPreload = false,
  handlers,
  runner,
}: CheckedOptions): HoldfastWorker {
  const scope = globalThis as unknown as ServiceWorkerGlobalScope
  const precache = createPrecache(scope, name, manifest)
  const found = findFallback(precache, fallback)
  const parts = reads.map(start => start({ name, scope, precache }))
  const keptCaches = parts.flatMap(({ cacheNames = [] }) => cacheNames)
  addLifecycle(scope, { precache, keptCaches, navigationPreload })
  addRoutes(scope, { precache, parts, fallback: found })
  startReplay({ name, scope, handlers, runner })
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
