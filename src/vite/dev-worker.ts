import { statSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import type { ViteDevServer } from 'vite'
import { buildWorker } from './build-worker.ts'
import type { ResolvedOptions } from './options.ts'
import { WORKER_CHANGED } from './register-module.ts'

/**
 * Serves the worker in `vite dev` under the address, the scope and the type that it has in production. It is bundled on
 * request and kept until one of its modules changes; open pages are then told to look for the new version. Its manifest
 * is empty: stored files would hide what is being edited. `appended` is put behind the bundle.
 */
export function serveDevWorker(
  server: ViteDevServer,
  options: ResolvedOptions,
  { url, appended = '' }: { url: string; appended?: string },
): void {
  const worker = createWorkerCache(server, options)
  server.watcher.on('all', (_event, file) => {
    if (worker.has(file)) server.environments.client.hot.send(WORKER_CHANGED)
  })
  server.middlewares.use((request, response, next) => {
    if (request.url?.split('?')[0] !== url) return next()
    worker.get().then(
      code => sendScript(response, 200, code + appended),
      (error: unknown) => {
        server.config.logger.error(`holdfast: the service worker could not be built: ${String(error)}`, {
          error: error instanceof Error ? error : undefined,
        })
        sendScript(response, 500, '// The service worker could not be built; the dev server has said why.\n')
      },
    )
  })
}

interface BuiltWorker {
  code: Promise<string>
  /** When each module had last been changed as the build read it. */
  modules: Map<string, number>
}

/**
 * Keeps one build for as long as its modules are unchanged. It looks at the files itself: a watcher is late by some
 * milliseconds and may merge events, and a worker that is one save behind is hard to notice.
 */
function createWorkerCache(server: ViteDevServer, options: ResolvedOptions) {
  let current: BuiltWorker | undefined
  // Outlives a failed build: the page is to hear of the change that mends it.
  let modules = new Map<string, number>()

  function start(): BuiltWorker {
    modules = new Map()
    const { config } = server.environments.client
    const seen = modules
    const onModule = (file: string) => seen.set(file, changedAt(file))
    const code = buildWorker({ config, options, manifest: [], write: false, onModule }).finally(() => {
      // Modules of linked packages lie outside of the root; what is watched already stays so.
      server.watcher.add([...seen.keys()].filter(file => !file.includes('/node_modules/')))
    })
    return { code, modules: seen }
  }

  async function get(): Promise<string> {
    if (!current || isStale(current)) current = start()
    const built = current
    try {
      return await built.code
    } catch (error) {
      if (current === built) current = undefined
      throw error
    }
  }

  return { get, has: (file: string) => modules.has(file.replaceAll('\\', '/')) }
}

function isStale({ modules }: BuiltWorker): boolean {
  return [...modules].some(([file, time]) => changedAt(file) !== time)
}

function changedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

function sendScript(response: ServerResponse, status: number, code: string): void {
  response.statusCode = status
  response.setHeader('Content-Type', 'text/javascript')
  response.setHeader('Cache-Control', 'no-cache')
  response.end(code)
}
