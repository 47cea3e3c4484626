import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Plugin, ResolvedConfig } from 'vite'
import { HoldfastError } from '../protocol/errors.ts'
import { type Companion, findCompanion } from './companion.ts'
import { locationSource, WAY_UP, withWayUp } from './location-source.ts'
import { isServedInDev } from './mocks.ts'
import type { PluginOptions, ResolvedOptions } from './options.ts'
import { REGISTER_ID } from './register-module.ts'
import { type PageWorker, virtualModules } from './virtual-modules.ts'
import { locateWorker } from './worker-location.ts'

/** Tells the page where the worker is, and registers it. */
export function pagePlugin(options: ResolvedOptions, given: PluginOptions): Plugin {
  let page: PageWorker = { location: false, task: { do: 'nothing' }, isDev: false }
  const tell = (config: ResolvedConfig, found: PageWorker) => {
    page = found
    define(config, locationSource(found.location))
  }
  return {
    name: NAME,
    // Behind the plugins that may build the worker instead.
    enforce: 'post',
    config: () => ({ define: { [DEFINED]: 'false' } }),
    // Not before: other plugins may set the base, and only now is it known which plugins there are.
    async configResolved(config) {
      assertOnce(config)
      const companion = findCompanion(config.plugins)
      if (!companion) tell(config, ownPage(config, options, given))
      else if (config.command === 'build') tell(config, await companionPage(companion, options))
    },
    // Its development is set up now, and no definition has been used yet.
    async configureServer({ config }) {
      const companion = findCompanion(config.plugins)
      if (companion) tell(config, await companionPage(companion, options))
    },
    ...virtualModules(() => page),
    renderChunk: {
      filter: { code: WAY_UP },
      handler: (code, { fileName }) => ({ code: withWayUp(code, fileName), map: null }),
    },
    transformIndexHtml: {
      // Before Vite's own pass, which makes a file of the inline module: a strict CSP allows no inline script.
      order: 'pre',
      handler: () => {
        if (!options.register || page.task.do === 'nothing') return []
        return [{ tag: 'script', attrs: { type: 'module' }, children: `import '${REGISTER_ID}'`, injectTo: 'head' }]
      },
    },
  }
}

const NAME = 'holdfast:page'
const DEFINED = '__HOLDFAST_WORKER__'

/** Each environment has definitions of its own. None is read before the first module is built or served. */
function define(config: ResolvedConfig, source: string): void {
  for (const holder of [config, ...Object.values(config.environments)]) {
    Object.assign(holder, { define: { ...holder.define, [DEFINED]: source } })
  }
}

function ownPage(config: ResolvedConfig, options: ResolvedOptions, given: PluginOptions): PageWorker {
  const { base, command } = config
  assertFree(config, options)
  const own = locateWorker(base, { ...options, command })
  const isDev = command === 'serve'
  if (isDev && !isServedInDev(config, given)) {
    const cacheNames = options.caching.flatMap(({ cacheName = [] }) => cacheName)
    return { location: false, task: { do: 'forget', own, cacheNames }, isDev }
  }
  if (options.selfDestroying) return { location: false, task: { do: 'leave', own }, isDev }
  // The rules of a worker of the app's own are not known here.
  const keepsReads = options.caching.length > 0 || options.worker !== undefined
  return { location: own, task: { do: 'register', own, keepsReads }, isDev }
}

/** The other plugin registers its worker; the app's code is told about that one. */
async function companionPage(companion: Companion, { name }: ResolvedOptions): Promise<PageWorker> {
  const found = await companion.locate()
  const location = found && { url: found.url, scope: found.scope, name, type: moduleOnly(found.type) }
  return { location: location ?? false, task: { do: 'nothing' }, isDev: false }
}

function moduleOnly(type: 'classic' | 'module'): 'module' | undefined {
  return type === 'module' ? type : undefined
}

function assertOnce({ plugins }: ResolvedConfig): void {
  if (plugins.filter(({ name }) => name === NAME).length < 2) return
  throw new HoldfastError({
    code: 'invalid-options',
    action: 'use holdfast()',
    reason: 'it is among the plugins more than once, and there can be one worker',
    hint: 'Leave it out of your configuration where a framework or a preset adds it, or there.',
  })
}

/** Vite copies the public folder, and the worker would be written over that file. */
function assertFree({ publicDir }: ResolvedConfig, { filename }: ResolvedOptions): void {
  const file = publicDir && path.join(publicDir, filename)
  if (!file || !existsSync(file)) return
  throw new HoldfastError({
    code: 'invalid-options',
    action: 'place the service worker',
    reason: `the public folder has a ${filename} already`,
    hint: `Remove it; or make it the worker, with { worker: 'src/${filename}' }; or give another filename.`,
  })
}
