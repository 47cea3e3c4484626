import type { Handlers } from '../src/outbox/handlers.ts'
import {
  type CachingRule,
  checkCachingRules,
  checkNavigationFallback,
  type NavigationFallback,
} from '../src/protocol/caching.ts'
import { type CaptureRules, checkCaptureRules } from '../src/protocol/capture.ts'
import { startCapture } from './capture.ts'
import type { PrecacheEntry } from './precache.ts'
import { allParts } from './reads/all-parts.ts'
import { type HoldfastWorker, runWorker } from './run.ts'

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
  /** A file of the precache that stands in for images which neither the network nor a cache has. Default: none. */
  imageFallback?: string
  /**
   * The browser asks for a page while the worker starts. For apps whose pages come from the network first: one that the
   * precache answers is asked for in vain. Default false.
   */
  navigationPreload?: boolean
  /**
   * Which writes of the app are kept and sent later when they do not reach the server: globs such as `/api/**`, or rules.
   * Default: none.
   */
  queue?: CaptureRules
  /** The app's own functions, by name: the same module that the page gives to `createHoldfast`. Default: none. */
  handlers?: Handlers
}

/**
 * Makes a service worker of the script that calls it: it stores the files of the manifest, answers GET requests from the
 * precache and by the caching rules, serves pages offline, and delivers the outbox. Call it once, while the script is
 * first evaluated: browsers ignore listeners that are added later.
 *
 * It lives next to listeners of your own: it answers only requests that it has a rule for, touches other methods than
 * GET only where `queue` says so, and ignores messages that it does not know. Throws a `HoldfastError` with code
 * `invalid-options` before it adds a single listener.
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
  const { name, manifest, navigationPreload, handlers } = options
  const rules = checkCachingRules(options.caching)
  const fallback = checkNavigationFallback(options.navigationFallback)
  const queue = checkCaptureRules(options.queue)
  const runner = queue.length > 0 ? startCapture({ name, rules: queue, handlers }) : undefined
  const reads = allParts(rules, options.imageFallback)
  return runWorker({ name, manifest, reads, fallback, navigationPreload, handlers, runner })
}
