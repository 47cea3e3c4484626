import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Plugin } from 'vite'
import { findCompanion } from './companion.ts'

/**
 * Lets requests for the worker of another plugin come to it one at a time. Ours makes more of them: pages register it,
 * too, and ask for it to find out whether the server is in reach. @serwist/vite writes a file for each, reads it, and
 * deletes it: of two at once the second would end the dev server.
 */
export function companionDevPlugin(): Plugin {
  return {
    name: 'holdfast:companion-dev',
    apply: 'serve',
    // Before the middleware of the other.
    enforce: 'pre',
    configureServer({ config, middlewares }) {
      const companion = findCompanion(config.plugins)
      if (!companion) return
      let before = Promise.resolve()
      middlewares.use(async (request, response, next) => {
        const isScript = request.headers['service-worker'] === 'script' || request.method === 'HEAD'
        const worker = isScript ? await companion.locate() : undefined
        if (!worker || request.url !== worker.url) return next()
        if (request.method === 'HEAD') return void response.end()
        const turn = before
        before = turn.then(() => whenAnswered(response))
        await turn
        next()
      })
    },
  }
}

function whenAnswered(response: ServerResponse<IncomingMessage>): Promise<void> {
  return new Promise(resolve => {
    if (response.closed) resolve()
    else response.once('close', resolve)
  })
}
