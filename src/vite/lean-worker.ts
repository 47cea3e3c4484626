import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import type { CachingRule } from '../protocol/caching.ts'
import type { ResolvedOptions } from './options.ts'

/**
 * Leaves out of the worker what it cannot reach, since a browser reads all of it each time that it starts one:
 *
 * - localforage's own drivers. What we import of it is its core, from the sources that it publishes: registry, instances
 *   and drivers of one's own work as ever, and `supports()` says no for the drivers that are left out. A worker of the
 *   app's own that imports localforage itself gets it whole.
 * - Workbox strategies that no caching rule names. Only the generated worker is known to have no other rules.
 * - What records which version of Workbox runs, and does nothing unless somebody has put a trap there.
 */
export function leanWorker(options: ResolvedOptions): Plugin {
  const unused = unusedStrategies(options)
  return {
    name: 'holdfast:lean-worker',
    enforce: 'pre',
    resolveId: {
      filter: {
        id: [LOCALFORAGE, LOCALFORAGE_PARTS, STRATEGY, WORKBOX_VERSION, /^\0holdfast:stand-in:/],
      },
      async handler(source, importer = '') {
        if (source === DRIVER) return source
        if (LOCALFORAGE.test(source)) {
          const file = toPosix(importer).startsWith(OUR_STORAGE) ? CORE : WITHOUT_PROMISES
          return this.resolve(file, importer, { skipSelf: true })
        }
        if (WORKBOX_VERSION.test(source))
          return withoutEffects(await this.resolve(source, importer, { skipSelf: true }))
        const isUnused = LOCALFORAGE_PARTS.test(source)
          ? toPosix(importer).endsWith(`/${CORE}`)
          : unused.has(source) && toPosix(importer).startsWith(OUR_WORKER)
        return isUnused ? `${STAND_IN}${source}` : null
      },
    },
    load: {
      filter: { id: /^\0holdfast:stand-in:/ },
      handler: id => standIn(id.slice(STAND_IN.length)),
    },
  }
}

const CORE = 'localforage/src/localforage.js'

/** Where there are service workers there are promises: localforage's own build without a stand-in for them serves. */
const WITHOUT_PROMISES = 'localforage/dist/localforage.nopromises.js'

const LOCALFORAGE = /^localforage$/
/** What its core imports and our driver never calls, and a polyfill of promises, which is written as CommonJS. */
const LOCALFORAGE_PARTS = /^\.\/(?:drivers\/\w+|utils\/(?:serializer|promise))$/
const STRATEGY = /^workbox-strategies\/\w+\.js$/
const WORKBOX_VERSION = /^(?:\.\.?\/)+_version\.js$/
const STAND_IN = '\0holdfast:stand-in:'

const OUR_STORAGE = folder('../storage/')
const OUR_WORKER = folder('../../sw/')

const STRATEGIES: Record<CachingRule['strategy'], string> = {
  'cache-first': 'CacheFirst',
  'network-first': 'NetworkFirst',
  'stale-while-revalidate': 'StaleWhileRevalidate',
  'network-only': 'NetworkOnly',
  'cache-only': 'CacheOnly',
}

function unusedStrategies({ worker, caching, navigationFallback }: ResolvedOptions): Set<string> {
  if (worker) return new Set()
  const used = new Set(caching.map(({ strategy }) => STRATEGIES[strategy]))
  if (navigationFallback !== false) used.add('NetworkOnly')
  const unused = Object.values(STRATEGIES).filter(name => !used.has(name))
  return new Set(unused.map(name => `workbox-strategies/${name}.js`))
}

function standIn(source: string): string {
  const name = source.replace(/^.*\/|\.js$/g, '')
  if (STRATEGY.test(source)) return `export const ${name} = undefined`
  if (name === 'promise') return 'export default Promise'
  if (name === 'serializer') return 'export default undefined'
  if (source === 'driver') return ABSENT_DRIVER
  return `import { absentDriver } from '${DRIVER}'\nexport default absentDriver('${DRIVER_NAMES[name] ?? name}')`
}

const DRIVER = `${STAND_IN}driver`

const DRIVER_NAMES: Record<string, string> = {
  indexeddb: 'asyncStorage',
  websql: 'webSQLStorage',
  localstorage: 'localStorageWrapper',
}

/** localforage defines its own drivers as it does those of others: one that lacks a method would be an unhandled rejection. */
const ABSENT_DRIVER = `
const absent = () => Promise.reject(new Error('This worker has no such driver'))
export const absentDriver = _driver => ({
  _driver, _support: false, _initStorage: absent, clear: absent, getItem: absent, iterate: absent, key: absent,
  keys: absent, length: absent, removeItem: absent, setItem: absent,
})
`

function withoutEffects<T extends { id: string }>(resolved: T | null) {
  return resolved && { ...resolved, moduleSideEffects: false }
}

function folder(relative: string): string {
  return toPosix(fileURLToPath(new URL(relative, import.meta.url)))
}

function toPosix(file: string): string {
  return file.replaceAll('\\', '/')
}
