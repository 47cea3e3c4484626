import type { Plugin, ResolvedConfig } from 'vite'
import { buildWorker } from './build-worker.ts'
import { findCompanion } from './companion.ts'
import { joinCompanion } from './companion-build.ts'
import { emitWorker, type HashedTest } from './emit-worker.ts'
import { createHashedTest } from './hashed-names.ts'
import type { PluginOptions, ResolvedOptions } from './options.ts'

/**
 * Builds the worker when the page's files are on the disk. The environment of the hook decides, not a configuration
 * kept from `configResolved`: one instance may serve several environments.
 */
export function buildPlugins(options: ResolvedOptions, given: PluginOptions): Plugin[] {
  const turn = createTurn()
  // One instance for all environments: what is begun in the hook of one ends in that of the whole app.
  const shared = { apply: 'build', enforce: 'post', sharedDuringBuild: true } as const
  return [
    {
      ...shared,
      name: 'holdfast:build',
      applyToEnvironment: environment => environment.name === 'client' && environment.config.consumer === 'client',
      buildApp: { order: 'pre', handler: async () => turn.beginApp() },
      ...workerHooks(options, (config, emitted) => turn.take(() => finish({ config, options, given, emitted }))),
    },
    {
      ...shared,
      name: 'holdfast:build-end',
      buildApp: { order: 'post', handler: () => turn.endApp() },
    },
  ]
}

/**
 * Where a framework builds its environments by one builder, the worker waits for the last of them, and for what is
 * prerendered then. Where none does, Vite itself begins after `endApp`, and builds one environment after the other.
 */
function createTurn() {
  let isApp = false
  let last: (() => Promise<void>) | undefined
  return {
    beginApp() {
      isApp = true
    },
    async take(build: () => Promise<void>) {
      if (isApp) last = build
      else await build()
    },
    async endApp() {
      isApp = false
      await last?.()
      last = undefined
    },
  }
}

function workerHooks(
  options: ResolvedOptions,
  onWritten: (config: ResolvedConfig, emitted: HashedTest[]) => Promise<void>,
): Pick<Plugin, 'buildStart' | 'writeBundle' | 'closeBundle'> {
  let emitted: HashedTest[] = []
  return {
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
        const written = onWritten(config, emitted)
        emitted = []
        // Vite does not wait for this hook while it watches: a rejection would end the process.
        await (this.meta.watchMode
          ? written.catch(error => config.logger.error(failureText(error), { error }))
          : written)
      },
    },
  }
}

/** A build for its list of modules: files that only the worker imports are to be watched before the first change. */
async function findModules(config: ResolvedConfig, options: ResolvedOptions): Promise<Set<string>> {
  const modules = new Set<string>()
  if (findCompanion(config.plugins)) return modules
  const onModule = (file: string) => file.includes('/node_modules/') || modules.add(file)
  // What is wrong with it is told when the worker itself is built.
  await buildWorker({ config, options, manifest: [], write: false, onModule }).catch(() => undefined)
  return modules
}

interface Finish {
  config: ResolvedConfig
  options: ResolvedOptions
  given: PluginOptions
  emitted: HashedTest[]
}

async function finish({ config, options, given, emitted }: Finish): Promise<void> {
  const companion = findCompanion(config.plugins)
  if (companion) await joinCompanion({ config, companion, options, given })
  else await emitWorker(config, options, emitted)
}

function failureText(error: unknown): string {
  return `holdfast: the service worker was not built: ${error instanceof Error ? error.message : String(error)}`
}
