import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { REGISTER_ID, registerModule, WORKER_CHANGED } from './register-module.ts'
import type { WorkerLocation } from './worker-location.ts'

/** What the app's modules are made from. */
export interface PageWorker {
  /** `false` where pages shall register none. */
  location: WorkerLocation | false
  /** The scope in which an earlier worker is to hear that it shall leave. */
  leaving?: string
  isDev: boolean
}

const UPDATES_ID = 'virtual:holdfast'

/** The modules that an app imports: `virtual:holdfast` and `virtual:holdfast/register`. */
export function virtualModules(worker: () => PageWorker): Pick<Plugin, 'resolveId' | 'load'> {
  return {
    resolveId: {
      filter: { id: /^virtual:holdfast(?:\/register)?$/ },
      handler: id => `\0${id}`,
    },
    load: {
      filter: { id: /^\0virtual:holdfast(?:\/register)?$/ },
      handler(id) {
        const { location, leaving, isDev } = worker()
        if (id === `\0${UPDATES_ID}`) return updatesModule(worker())
        return leaving === undefined ? registerModule(location, isDev) : leaveModule(leaving)
      },
    },
  }
}

/** In development a changed worker is looked for at once. */
function updatesModule({ location, leaving, isDev }: PageWorker): string {
  const follow = `import.meta.hot?.on('${WORKER_CHANGED}', () => void updates.check())`
  return `import { registerHoldfast as register } from ${JSON.stringify(clientModule('register-holdfast'))}
export { onFresh } from ${JSON.stringify(clientModule('on-fresh'))}
${leaving === undefined ? '' : `import '${REGISTER_ID}'`}
export function registerHoldfast(options) {
  const updates = register(${JSON.stringify(location)}, options)
  ${isDev ? follow : ''}
  return updates
}
`
}

/** Nobody gets a worker anew; who has one gets the last one of it, which the browser looks for by itself only in a while. */
function leaveModule(scope: string): string {
  return `if ('serviceWorker' in navigator) {
  navigator.serviceWorker.getRegistration(${JSON.stringify(scope)})
    .then(registration => registration?.update())
    .catch(() => undefined)
}
export {}
`
}

/** By path and not by name: the module of this very copy of the package. */
function clientModule(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const file = fileURLToPath(new URL(`../client/${name}.${extension}`, import.meta.url))
  return file.replaceAll('\\', '/')
}
