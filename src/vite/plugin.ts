import path from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Plugin, ResolvedConfig } from 'vite'
import { HoldfastError } from '../protocol/errors.ts'
import { buildWorker } from './build-worker.ts'
import { serveDevWorker } from './dev-worker.ts'
import { createHashedTest } from './hashed-names.ts'
import { collectManifest, type Manifest } from './manifest.ts'
import { type PluginOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { REGISTER_ID } from './register-module.ts'
import { virtualModules } from './virtual-modules.ts'
import { webManifestPlugin } from './web-manifest-plugin.ts'
import { locateWorker, type WorkerLocation } from './worker-location.ts'

/**
 * Gives a Vite app a service worker: it stores the app's files, so that the app loads offline, and delivers the outbox
 * with every tab closed. Without options that is all there is to do. The worker is one classic script directly under the
 * base, with the same address, scope and type in `vite build`, `vite preview` and `vite dev`.
 *
 * The app's code finds the worker's address in `__HOLDFAST_WORKER__`, which `createHoldfast()` reads. Apps whose HTML
 * does not come from Vite import `virtual:holdfast/register` to register the worker, and apps that tell people of new
 * versions `registerHoldfast` from `virtual:holdfast`. Server builds get no worker.
 *
 * Throws a `HoldfastError` with code `invalid-options` when an option is unknown, of the wrong type, or a bad rule.
 *
 * @example
 * // vite.config.ts
 * export default defineConfig({
 *   plugins: [holdfast({ caching: [{ match: '/api/**', strategy: 'network-first', timeoutMs: 3000 }] })],
 * })
 */
export function holdfast(options: PluginOptions = {}): Plugin[] {
  const resolved = resolveOptions(options)
  // The manifest first: the worker stores it, so it has to be there when the worker is built.
  return [...webManifestPlugin(resolved), pagePlugin(resolved), buildPlugin(resolved), servePlugin(resolved)]
}

/** Tells the page where the worker is, and registers it. */
function pagePlugin(options: ResolvedOptions): Plugin {
  let location: WorkerLocation | false = false
  let leaving: string | undefined
  let isDev = false
  return {
    name: 'holdfast:page',
    // Last, because other plugins may still set the base.
    enforce: 'post',
    config: {
      order: 'post',
      handler(config, { command, isPreview }) {
        isDev = command === 'serve'
        const hasWorker = options.dev || !isDev || isPreview === true
        location = hasWorker && locateWorker(config.base, { ...options, command })
        if (location && options.selfDestroying) {
          leaving = location.scope
          location = false
        }
        return { define: { __HOLDFAST_WORKER__: JSON.stringify(location) } }
      },
    },
    ...virtualModules(() => ({ location, leaving, isDev })),
    transformIndexHtml: {
      // Before Vite's own pass, which makes a file of the inline module: a strict CSP allows no inline script.
      order: 'pre',
      handler: () => {
        if (!options.register || (!location && leaving === undefined)) return []
        return [{ tag: 'script', attrs: { type: 'module' }, children: `import '${REGISTER_ID}'`, injectTo: 'head' }]
      },
    },
  }
}

type Emitted = ReturnType<typeof createHashedTest>[]

/**
 * Builds the worker when the page's files are on the disk. The environment of the hook decides, not a configuration
 * kept from `configResolved`: one instance may serve several environments.
 */
function buildPlugin(options: ResolvedOptions): Plugin {
  let emitted: Emitted = []
  return {
    name: 'holdfast:build',
    apply: 'build',
    applyToEnvironment: environment => environment.name === 'client' && environment.config.consumer === 'client',
    async buildStart() {
      emitted = []
      if (!this.meta.watchMode) return
      const { config } = this.environment
      for (const file of await findModules(config, options)) this.addWatchFile(file)
    },
    writeBundle(output, bundle) {
      emitted.push(createHashedTest(Object.keys(bundle), output))
    },
    closeBundle: {
      order: 'post',
      sequential: true,
      async handler() {
        // Called after a failed build, too, and after one that writes nothing.
        if (emitted.length === 0) return
        const { config } = this.environment
        const build = emitWorker(config, options, emitted)
        emitted = []
        // Vite does not wait for this hook while it watches: a rejection would end the process.
        await (this.meta.watchMode ? build.catch(error => config.logger.error(failureText(error), { error })) : build)
      },
    },
  }
}

/** A build for its list of modules: files that only the worker imports are to be watched before the first change. */
async function findModules(config: ResolvedConfig, options: ResolvedOptions): Promise<Set<string>> {
  const modules = new Set<string>()
  const onModule = (file: string) => file.includes('/node_modules/') || modules.add(file)
  // What is wrong with it is told when the worker itself is built.
  await buildWorker({ config, options, manifest: [], write: false, onModule }).catch(() => undefined)
  return modules
}

async function emitWorker(config: ResolvedConfig, options: ResolvedOptions, emitted: Emitted): Promise<void> {
  const manifest = await readManifest(config, options, emitted)
  checkFallback(options, manifest)
  const code = await buildWorker({ config, options, manifest: manifest.entries, write: true })
  report(config, options, manifest, code)
}

async function readManifest(config: ResolvedConfig, options: ResolvedOptions, emitted: Emitted): Promise<Manifest> {
  if (options.precache === false) return { entries: [], bytes: 0, tooLarge: [] }
  const outDir = path.resolve(config.root, config.build.outDir)
  const isHashed = (file: string) => emitted.some(test => test(file))
  return collectManifest({ ...options.precache, outDir, filename: options.filename, isHashed })
}

function checkFallback({ navigationFallback }: ResolvedOptions, { entries }: Manifest): void {
  if (!navigationFallback || entries.some(entry => entry.url === navigationFallback.url)) return
  throw new HoldfastError({
    code: 'invalid-options',
    action: 'set up the navigation fallback',
    reason: `"${navigationFallback.url}" is not among the ${entries.length} files of the precache`,
    hint: 'Name a file of the output folder, relative to it, that precache includes.',
  })
}

function report(
  config: ResolvedConfig,
  options: ResolvedOptions,
  { entries, bytes, tooLarge }: Manifest,
  code: string,
) {
  const { maximumFileSizeBytes = 0 } = options.precache || {}
  const size = `${kilobytes(code.length)} kB, gzip ${kilobytes(gzipSync(code).length)} kB`
  if (options.selfDestroying) {
    config.logger.info(`holdfast: ${options.filename} (${size}) unregisters itself and deletes its caches.`)
    config.logger.info(leavingText(options.name))
    return
  }
  config.logger.info(`holdfast: ${options.filename} (${size}) stores ${entries.length} files, ${kilobytes(bytes)} kB`)
  if (tooLarge.length === 0) return
  const limit = `larger than precache.maximumFileSizeBytes (${maximumFileSizeBytes})`
  config.logger.warn(`holdfast: not available offline, because ${limit}: ${tooLarge.join(', ')}`)
}

/** Serves the worker in development. The preview server needs no help: it sends every file with `no-cache`. */
function servePlugin(options: ResolvedOptions): Plugin {
  return {
    name: 'holdfast:serve',
    apply: 'serve',
    configureServer(server) {
      if (!options.dev) return
      serveDevWorker(server, options, locateWorker(server.config.base, { ...options, command: 'serve' }))
    },
  }
}

function leavingText(name: string): string {
  return `holdfast: writes that wait stay in the database "${name}", which is not deleted. Pages that call createHoldfast() send them while they are open; without that they stay on the device, unsent.`
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(1)
}

function failureText(error: unknown): string {
  return `holdfast: the service worker was not built: ${error instanceof Error ? error.message : String(error)}`
}
