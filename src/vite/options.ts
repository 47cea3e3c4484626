import type { PluginOption } from 'vite'
import {
  type CachingRule,
  checkCachingRules,
  checkNavigationFallback,
  type NavigationFallback,
} from '../protocol/caching.ts'
import { type CaptureRule, type CaptureRules, checkCaptureRules } from '../protocol/capture.ts'
import { HoldfastError } from '../protocol/errors.ts'
import { DEFAULT_NAME } from '../protocol/names.ts'
import { checkWebManifest, type WebManifest } from './web-manifest.ts'

/** Which files of the build are stored when the worker installs. */
export interface PrecacheOptions {
  /** Globs over the output folder. Default: every file. */
  include?: string[]
  /** Globs to leave out, in addition to source maps, dotfiles, compressed copies, and the worker itself. */
  exclude?: string[]
  /** Larger files are left out, with a warning. Bytes; default 2 MiB. */
  maximumFileSizeBytes?: number
}

/** What `holdfast()` is given; nothing is required. */
export interface PluginOptions {
  /** The outbox that the worker delivers. Default `holdfast`. */
  name?: string
  /** How GET requests beyond the precache are answered; see `CachingRule`. */
  caching?: CachingRule[]
  /**
   * Which writes of the app are kept and sent later when they do not reach the server: globs such as `/api/**`, or rules;
   * see `CaptureRule`. Default: none.
   */
  queue?: CaptureRules
  /** What is stored at install; `false` stores nothing. */
  precache?: PrecacheOptions | false
  /** The page that stands in when the network cannot give one. Default: `index.html` when the build has it. */
  navigationFallback?: string | false | NavigationFallback
  /** A file of the build that stands in for images which neither the network nor a cache has. Default: none. */
  imageFallback?: string
  /**
   * The browser asks for a page while the worker starts. For apps whose pages come from the network first: one that the
   * precache answers is asked for in vain. Default false.
   */
  navigationPreload?: boolean
  /**
   * A worker of your own, as a path from the root: `src/sw.ts`. It calls `startHoldfast()` itself, so `caching`,
   * `queue`, `navigationFallback`, `imageFallback` and `navigationPreload` are given there. Default: a generated one.
   */
  worker?: string
  /**
   * A module that exports `handlers`, the functions that page and worker share by name, as a path from the root:
   * `src/handlers.ts`. Give the same to `createHoldfast({ handlers })`. Default: none. With a worker of your own they are
   * given to `startHoldfast()`.
   */
  handlers?: string
  /** The worker's file name, directly under the base. Default `sw.js`. */
  filename?: string
  /** Put a module into the HTML that registers the worker. Default true; else import `virtual:holdfast/register`. */
  register?: boolean
  /** Serve the worker in `vite dev` too. Default true; false where the worker of MSW is in the public folder. */
  dev?: boolean
  /** Vite plugins for the worker's own build, which shares none with the app's. */
  plugins?: PluginOption[]
  /** The web app manifest: it is emitted, linked by every page, and checked for what keeps an app from being installed. */
  manifest?: WebManifest
  /** The manifest's file name, directly under the base. Default `manifest.webmanifest`. */
  manifestFilename?: string
  /**
   * To leave Holdfast: instead of any other worker one is built that unregisters itself and deletes the caches. Pages
   * register none any more. Waiting writes stay in the database. Keep it until nobody comes with the old worker.
   */
  selfDestroying?: boolean
}

/** The options with their defaults filled in. */
export interface ResolvedOptions {
  name: string
  caching: CachingRule[]
  queue: CaptureRule[]
  precache: Required<PrecacheOptions> | false
  navigationFallback: NavigationFallback | false | undefined
  imageFallback: string | undefined
  navigationPreload: boolean
  worker: string | undefined
  handlers: string | undefined
  filename: string
  register: boolean
  dev: boolean
  plugins: PluginOption[]
  manifest: WebManifest | undefined
  manifestFilename: string
  selfDestroying: boolean
}

const KINDS = {
  name: 'text',
  caching: 'list',
  queue: 'list',
  precache: 'precache',
  navigationFallback: 'fallback',
  imageFallback: 'text',
  navigationPreload: 'switch',
  worker: 'text',
  handlers: 'text',
  filename: 'file',
  register: 'switch',
  dev: 'switch',
  plugins: 'list',
  manifest: 'manifest',
  manifestFilename: 'manifestFile',
  selfDestroying: 'switch',
} satisfies Record<keyof PluginOptions, string>

const PRECACHE_KINDS = {
  include: 'texts',
  exclude: 'texts',
  maximumFileSizeBytes: 'size',
} satisfies Record<keyof PrecacheOptions, string>

const TESTS: Record<string, { test: (value: unknown) => boolean; wants: string }> = {
  text: { test: value => typeof value === 'string' && value !== '', wants: 'a text' },
  file: { test: value => typeof value === 'string' && /^[^/\\?#]+\.js$/.test(value), wants: "a name such as 'sw.js'" },
  list: { test: Array.isArray, wants: 'an array' },
  texts: { test: value => Array.isArray(value) && value.every(item => typeof item === 'string'), wants: 'globs' },
  switch: { test: value => typeof value === 'boolean', wants: 'true or false' },
  size: { test: value => typeof value === 'number' && value > 0, wants: 'a number of bytes above 0' },
  precache: { test: value => value === false || isPlain(value), wants: 'false or { include, exclude }' },
  fallback: { test: () => true, wants: '' },
  manifest: { test: () => true, wants: '' },
  manifestFile: {
    test: value => typeof value === 'string' && /^[^/\\?#]+\.(?:webmanifest|json)$/.test(value),
    wants: "a name such as 'manifest.webmanifest'",
  },
}

/**
 * Checks the plugin's options and fills in the defaults. Throws a `HoldfastError` with code `invalid-options` on a name
 * that does not exist, a value of the wrong type, a bad caching rule, or options that exclude each other.
 */
export function resolveOptions(options: PluginOptions = {}): ResolvedOptions {
  if (!isPlain(options))
    throw invalid('the options of holdfast()', 'they are not an object', 'Pass { ... } or nothing.')
  checkKinds(options, KINDS, '')
  if (options.precache) checkKinds({ ...options.precache }, PRECACHE_KINDS, 'precache.')
  checkOwnWorker(options)
  const queue = checkCaptureRules(options.queue)
  checkHandlers(queue, options)
  const resolved = {
    name: options.name ?? DEFAULT_NAME,
    caching: checkCachingRules(options.caching),
    queue,
    precache: options.precache !== false && { ...PRECACHE_DEFAULTS, ...withoutUndefined(options.precache) },
    navigationFallback: checkNavigationFallback(options.navigationFallback),
    imageFallback: options.imageFallback,
    navigationPreload: options.navigationPreload ?? false,
    worker: options.worker,
    handlers: options.handlers,
    filename: options.filename ?? 'sw.js',
    register: options.register ?? true,
    dev: options.dev ?? true,
    plugins: options.plugins ?? [],
    manifest: options.manifest && checkWebManifest(options.manifest),
    manifestFilename: options.manifestFilename ?? 'manifest.webmanifest',
    selfDestroying: options.selfDestroying ?? false,
  }
  return resolved.selfDestroying ? { ...resolved, ...NOTHING_KEPT } : resolved
}

/** The worker that takes its leave stores and answers nothing, and runs nothing of the app. */
const NOTHING_KEPT = {
  worker: undefined,
  handlers: undefined,
  precache: false,
  navigationFallback: false,
  imageFallback: undefined,
} as const

const PRECACHE_DEFAULTS: Required<PrecacheOptions> = {
  include: ['**/*'],
  exclude: [],
  maximumFileSizeBytes: 2 * 1024 * 1024,
}

function checkKinds(options: object, kinds: Record<string, string>, prefix: string): void {
  for (const [key, value] of Object.entries(options)) {
    const kind = kinds[key]
    if (kind === undefined) {
      throw invalid(`the option ${prefix}${key}`, 'there is none of that name', `Known are ${known(kinds)}.`)
    }
    const { test, wants } = TESTS[kind] ?? { test: () => true, wants: '' }
    if (value !== undefined && !test(value)) {
      throw invalid(`the option ${prefix}${key}`, `it is not ${wants}`, `Pass ${wants}, or leave it out.`)
    }
  }
}

const GIVEN_TO_START = [
  'caching',
  'queue',
  'navigationFallback',
  'imageFallback',
  'navigationPreload',
  'handlers',
] as const

function checkOwnWorker({ worker, ...given }: PluginOptions): void {
  const unseen = GIVEN_TO_START.filter(name => given[name] !== undefined)
  if (worker === undefined || unseen.length === 0) return
  throw invalid(
    `${unseen.join(', ')} together with worker`,
    'a worker of your own would not see them',
    `Pass them to startHoldfast() in ${worker}.`,
  )
}

function checkHandlers(queue: CaptureRule[], { handlers }: PluginOptions): void {
  const asking = handlers === undefined && queue.find(({ handler }) => handler !== undefined)
  if (!asking) return
  throw invalid(
    'queue',
    `a rule names the handler "${asking.handler}", and there is no module of handlers`,
    'Name the module by the option handlers.',
  )
}

function known(kinds: Record<string, string>): string {
  return Object.keys(kinds).join(', ')
}

function withoutUndefined(options: object = {}): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(subject: string, reason: string, hint: string): HoldfastError {
  return new HoldfastError({ code: 'invalid-options', action: `use ${subject}`, reason, hint })
}
