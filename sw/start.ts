import {
  type CachingRule,
  checkCachingRules,
  checkNavigationFallback,
  type NavigationFallback,
} from '../src/protocol/caching.ts'
import { DEFAULT_NAME } from '../src/protocol/names.ts'
import { addLifecycle } from './lifecycle.ts'
import { createPrecache, type Precache, type PrecacheEntry } from './precache.ts'
import { startReplay } from './replay.ts'
import { addRoutes } from './routes.ts'

/** What `startHoldfast` is given. */
export interface WorkerOptions {
  /** The outbox to deliver, as given to `createHoldfast` in the page. Default `holdfast`. */
  name?: string
  /** The files to store at install; pass `self.__WB_MANIFEST`, which the Vite plugin fills in. Default: none. */
  manifest?: readonly (PrecacheEntry | string)[]
  /** How GET requests beyond the precache are answered; the first rule that matches wins. Default: by the browser. */
  caching?: readonly CachingRule[]
  /**
   * The precached page that answers a navigation when the network does not. Default: `index.html` when it is in the
   * manifest. Nothing happens while the file is not in the manifest, which is empty in development.
   */
  navigationFallback?: string | false | NavigationFallback
}

/** What a running worker says about itself. */
export interface HoldfastWorker {
  name: string
  /** The addresses that are served from the precache, absolute. */
  precached: string[]
  /** The precached page that answers failed navigations, absolute; undefined when there is none. */
  navigationFallback?: string
}

/**
 * Makes a service worker of the script that calls it: it stores the files of the manifest, answers GET requests from the
 * precache and by the caching rules, serves pages offline, and delivers the outbox. Call it once, while the script is
 * first evaluated: browsers ignore listeners that are added later.
 *
 * It lives next to listeners of your own: it answers only requests that it has a rule for, never touches other methods
 * than GET, and ignores messages that it does not know. Throws a `HoldfastError` with code `invalid-options` before it
 * adds a single listener.
 *
 * @example
 * import { type PrecacheEntry, startHoldfast } from 'holdfast/sw'
 *
 * declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: PrecacheEntry[] }
 *
 * startHoldfast({
 *   manifest: self.__WB_MANIFEST,
 *   caching: [{ match: '/api/**', strategy: 'network-first', timeoutMs: 3000 }],
 * })
 */
export function startHoldfast(options: WorkerOptions = {}): HoldfastWorker {
  const scope = globalThis as unknown as ServiceWorkerGlobalScope
  const { name = DEFAULT_NAME, manifest = [] } = options
  const rules = checkCachingRules(options.caching)
  const wanted = checkNavigationFallback(options.navigationFallback)
  const precache = createPrecache(scope, name, manifest)
  const fallback = findFallback(precache, wanted)
  addLifecycle(scope, precache)
  addRoutes(scope, { precache, rules, fallback, cacheName: `holdfast:runtime:${name}:${scope.registration.scope}` })
  startReplay({ name, scope })
  return { name, precached: precache.controller.getCachedURLs(), navigationFallback: fallback?.url }
}

function findFallback(
  { controller }: Precache,
  wanted: NavigationFallback | false = { url: 'index.html' },
): NavigationFallback | undefined {
  if (wanted === false) return undefined
  const url = new URL(wanted.url, location.href).href
  return controller.getCacheKeyForURL(url) === undefined ? undefined : { ...wanted, url }
}
