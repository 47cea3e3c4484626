import { existsSync } from 'node:fs'
import path from 'node:path'
import type { InlineConfig, Plugin, ResolvedConfig, Rolldown } from 'vite'
import { HoldfastError } from '../protocol/errors.ts'
import { importAtOnce } from './import-at-once.ts'
import { leanWorker } from './lean-worker.ts'
import { loneWorker } from './lone-worker.ts'
import type { ManifestEntry } from './manifest.ts'
import { minifyWorker } from './minify-worker.ts'
import type { ResolvedOptions } from './options.ts'
import { readParts } from './read-parts.ts'
import { toSource } from './to-source.ts'
import { unusedMethods } from './unused-methods.ts'
import { importOf, workerModule } from './worker-module.ts'

/** One build of the worker. */
export interface WorkerBuild {
  /** The resolved configuration of the app's client environment. */
  config: ResolvedConfig
  options: ResolvedOptions
  manifest: readonly ManifestEntry[]
  /** Write to the app's output folder, or only give the code back. */
  write: boolean
  /** Gets the path of every module that the build reads, also when the build then fails. */
  onModule?: (file: string) => void
}

/**
 * Bundles the worker into one classic script, by a build of its own: it needs another format than the page, must share no
 * chunk with it, and can only begin when the page's files are known. Classic, because module workers are not supported
 * everywhere, and because the same type in development and production means the same behaviour.
 */
export async function buildWorker(worker: WorkerBuild): Promise<string> {
  const { build } = await import('vite')
  const result = await build(workerConfig(worker))
  return entryCode(Array.isArray(result) ? result : [result])
}

function workerConfig({ config, options, manifest, write, onModule }: WorkerBuild): InlineConfig {
  const isDev = config.command === 'serve'
  const isMinified = !isDev && config.build.minify !== false
  const isMapped = Boolean(config.build.sourcemap)
  const target = config.build.target || undefined
  const { root, base, mode, envPrefix, cacheDir, json, oxc, tsconfig } = config
  return {
    configFile: false,
    root,
    base,
    mode,
    envPrefix,
    envDir: config.envDir,
    cacheDir,
    json,
    oxc,
    tsconfig,
    publicDir: false,
    logLevel: config.logLevel === 'silent' || config.logLevel === 'error' ? config.logLevel : 'warn',
    clearScreen: false,
    define: {
      // A classic script has no import.meta; the worker's own address is what its url would be.
      'import.meta.url': 'self.location.href',
      ...config.define,
      'self.__WB_MANIFEST': JSON.stringify(manifest),
    },
    resolve: forwardResolve(config),
    plugins: [
      entryPlugin({ config, options, manifest, write, onModule }),
      leanWorker(options),
      loneWorker(options),
      unusedMethods(options),
      importAtOnce(),
      options.plugins,
      isMinified && minifyWorker({ isOurs: !options.worker && !options.handlers, withMap: isMapped, target }),
    ],
    build: {
      write,
      outDir: config.build.outDir,
      emptyOutDir: false,
      copyPublicDir: false,
      modulePreload: false,
      reportCompressedSize: false,
      target: config.build.target,
      minify: isDev ? false : config.build.minify,
      sourcemap: isDev ? 'inline' : config.build.sourcemap,
      watch: null,
      rolldownOptions: {
        input: ENTRY_ID,
        // Terser takes most of the time of so small a build, and is meant to.
        checks: { pluginTimings: false },
        treeshake: usesAllOfIdb(options) ? undefined : { manualPureFunctions: ['replaceTraps'] },
        output: {
          format: 'iife',
          entryFileNames: options.filename,
          codeSplitting: false,
          banner: isDev ? QUIET_WORKBOX : undefined,
        },
      },
    },
  }
}

/**
 * What idb adds to databases and for iterating, at its evaluation: ours wraps transactions only, but code of the app may
 * need it, and Workbox does, to know what it is to delete.
 */
function usesAllOfIdb({ worker, handlers, caching }: ResolvedOptions): boolean {
  const expires = caching.some(({ maxAgeMs, maxEntries }) => maxAgeMs !== undefined || maxEntries !== undefined)
  return worker !== undefined || handlers !== undefined || expires
}

/** Workbox would write several lines to the console for every request of the page. */
const QUIET_WORKBOX = 'self.__WB_DISABLE_DEV_LOGS ??= true;'

function forwardResolve({ resolve }: ResolvedConfig): InlineConfig['resolve'] {
  const { alias, conditions, mainFields, extensions, dedupe, preserveSymlinks, tsconfigPaths } = resolve
  return { alias, conditions, mainFields, extensions, dedupe, preserveSymlinks, tsconfigPaths }
}

const ENTRY_ID = 'virtual:holdfast/worker'

function entryPlugin(worker: WorkerBuild): Plugin {
  const { config, options, onModule } = worker
  return {
    name: 'holdfast:worker-entry',
    enforce: 'pre',
    resolveId: {
      filter: { id: [/^virtual:holdfast\/worker$/, /^holdfast\/(?:sw|workbox)$/] },
      handler(id) {
        // In modules, of which more can be left out than of the files that other tools get.
        if (id !== ENTRY_ID) return workerModule(id === 'holdfast/sw' ? 'index' : '../src/workbox/index')
        return options.worker ? ownFile(config.root, 'worker', options.worker) : `\0${ENTRY_ID}`
      },
    },
    load: {
      order: 'pre',
      handler(id) {
        if (id === `\0${ENTRY_ID}`) return generatedWorker(worker)
        // Vite wraps dynamic imports in a helper that needs a document; here all chunks are in the one file anyway.
        if (id === '\0vite/preload-helper.js') return 'export const __vitePreload = load => load()'
        const file = id.replace(/[?#].*$/s, '')
        if (path.isAbsolute(file)) onModule?.(file)
        return null
      },
    },
  }
}

function ownFile(root: string, option: 'worker' | 'handlers', file: string): string {
  const full = path.resolve(root, file)
  if (existsSync(full)) return toPosix(full)
  throw new HoldfastError({
    code: 'invalid-options',
    action: 'build the service worker',
    reason: `there is no file ${full}`,
    hint: `Give the option ${option} as a path from the root of the Vite project.`,
  })
}

function generatedWorker({ config, options, manifest }: WorkerBuild): string {
  return options.selfDestroying ? leavingWorker(options) : replayingWorker(config.root, options, manifest)
}

function leavingWorker({ caching }: ResolvedOptions): string {
  const cacheNames = caching.flatMap(({ cacheName = [] }) => cacheName)
  return `${importOf('leave', ['leave'])}\nleave({ cacheNames: ${toSource(cacheNames)} })\n`
}

/**
 * Each part is imported only where an option asks for it. The options were checked when the plugin was called; the worker
 * need not carry what checks them.
 */
function replayingWorker(root: string, options: ResolvedOptions, manifest: readonly ManifestEntry[]): string {
  const { name, queue, navigationFallback, handlers } = options
  const { imports, expressions } = readParts(options, manifest)
  const preload = options.navigationPreload && { navigationPreload: true }
  const withHandlers = handlers ? ', handlers' : ''
  const lines = [
    importOf('run', ['runWorker']),
    ...imports,
    handlers && `import { handlers } from ${JSON.stringify(ownFile(root, 'handlers', handlers))}`,
    queue.length > 0 && importOf('capture', ['startCapture']),
    // Before the others: it answers what they would answer, too.
    queue.length > 0 && `const runner = startCapture({ ...${toSource({ name, rules: queue })}${withHandlers} })`,
    `runWorker({ manifest: self.__WB_MANIFEST, ...${toSource({ name, fallback: navigationFallback, ...preload })}, ` +
      `reads: [${expressions.join(', ')}]${withHandlers}${queue.length > 0 ? ', runner' : ''} })`,
  ]
  return `${lines.filter(Boolean).join('\n')}\n`
}

function toPosix(file: string): string {
  return file.split(path.sep).join('/')
}

function entryCode(results: unknown[]): string {
  const outputs = (results as Rolldown.RolldownOutput[]).flatMap(result => result.output)
  const entry = outputs.find(output => output.type === 'chunk' && output.isEntry)
  return entry?.type === 'chunk' ? entry.code : ''
}
