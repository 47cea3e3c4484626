import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { forgetModule } from './forget-module.ts'
import { addressSource, locationSource } from './location-source.ts'
import { REGISTER_ID, registerModule, WORKER_CHANGED } from './register-module.ts'
import type { WorkerLocation } from './worker-location.ts'

/** What the app's modules are made from. */
export interface PageWorker {
  /** The worker that the app's code finds; `false` where there is none. */
  location: WorkerLocation | false
  /** What pages do when they load, with the plugin's own worker. */
  task: PageTask
  isDev: boolean
}

/**
 * `register` it; let one of an earlier version hear that it shall `leave`; take away (`forget`) one of an earlier session
 * of `vite dev`; or nothing, where another plugin builds the worker.
 */
export type PageTask =
  | { do: 'register'; own: WorkerLocation; keepsReads: boolean }
  | { do: 'leave'; own: WorkerLocation }
  | { do: 'forget'; own: WorkerLocation; cacheNames: readonly string[] }
  | { do: 'nothing' }

const UPDATES_ID = 'virtual:holdfast'

/** Of its own, so that it is evaluated once, whichever of the others the app imports. */
const FIRST_READS_ID = 'virtual:holdfast/first-reads'

/** The modules that an app imports: `virtual:holdfast` and `virtual:holdfast/register`. */
export function virtualModules(worker: () => PageWorker): Pick<Plugin, 'resolveId' | 'load'> {
  return {
    resolveId: {
      filter: { id: /^virtual:holdfast(?:\/(?:register|first-reads))?$/ },
      handler: id => `\0${id}`,
    },
    load: {
      filter: { id: /^\0virtual:holdfast(?:\/(?:register|first-reads))?$/ },
      handler(id) {
        if (id === `\0${FIRST_READS_ID}`) return firstReadsModule()
        return id === `\0${UPDATES_ID}` ? updatesModule(worker()) : taskModule(worker())
      },
    },
  }
}

function taskModule({ task, isDev }: PageWorker): string {
  switch (task.do) {
    case 'register':
      return firstReads(task) + registerModule(task.own, isDev)
    case 'leave':
      return leaveModule(task.own.scope)
    case 'forget':
      return forgetModule(task.own, task.cacheNames)
    case 'nothing':
      return 'export {}\n'
  }
}

/** In development a changed worker is looked for at once. */
function updatesModule({ location, task, isDev }: PageWorker): string {
  const follow = `import.meta.hot?.on('${WORKER_CHANGED}', () => void updates.check())`
  return `import { registerHoldfast as register } from ${JSON.stringify(clientModule('register-holdfast'))}
export { onFresh } from ${JSON.stringify(clientModule('on-fresh'))}
${task.do === 'leave' || task.do === 'forget' ? `import '${REGISTER_ID}'` : firstReads(task)}
export function registerHoldfast(options) {
  const updates = register(${locationSource(location)}, options)
  ${isDev && task.do === 'register' ? follow : ''}
  return updates
}
`
}

function firstReads(task: PageTask): string {
  return task.do === 'register' && task.keepsReads ? `import '${FIRST_READS_ID}'\n` : ''
}

function firstReadsModule(): string {
  return `import { keepFirstReads } from ${JSON.stringify(clientModule('first-reads'))}\nkeepFirstReads()\n`
}

/** Nobody gets a worker anew; who has one gets the last one of it, which the browser looks for by itself only in a while. */
function leaveModule(scope: string): string {
  return `if ('serviceWorker' in navigator) {
  navigator.serviceWorker.getRegistration(${addressSource(scope)})
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
