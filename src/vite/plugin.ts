import type { Plugin } from 'vite'
import { buildPlugins } from './build-plugins.ts'
import { findCompanion } from './companion.ts'
import { COMPANION_SCRIPT, scriptOptions } from './companion-build.ts'
import { companionDevPlugin } from './companion-dev.ts'
import { serveDevWorker } from './dev-worker.ts'
import { RELOAD_OLD_PAGES } from './forget-module.ts'
import { isServedInDev, MOCKING } from './mocks.ts'
import { type PluginOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { pagePlugin } from './page-plugin.ts'
import { webManifestPlugin } from './web-manifest-plugin.ts'
import { locateWorker } from './worker-location.ts'

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
  return [
    ...webManifestPlugin(resolved),
    pagePlugin(resolved, options),
    ...buildPlugins(resolved, options),
    servePlugin(resolved, options),
    companionDevPlugin(),
  ]
}

/** Serves the worker in development. The preview server needs no help: it sends every file with `no-cache`. */
function servePlugin(options: ResolvedOptions, given: PluginOptions): Plugin {
  return {
    name: 'holdfast:serve',
    apply: 'serve',
    configureServer(server) {
      const { base, plugins, logger } = server.config
      const place = (filename: string) => locateWorker(base, { ...options, filename, command: 'serve' })
      if (findCompanion(plugins)) {
        serveDevWorker(server, scriptOptions(options), place(COMPANION_SCRIPT))
      } else if (isServedInDev(server.config, given)) {
        serveDevWorker(server, options, place(options.filename))
      } else {
        if (given.dev === undefined) logger.info(MOCKING)
        // Who had it yesterday asks for it again, and gets one that goes away.
        const leaving = { ...options, selfDestroying: true, worker: undefined, handlers: undefined }
        serveDevWorker(server, leaving, { ...place(options.filename), appended: RELOAD_OLD_PAGES })
      }
    },
  }
}
