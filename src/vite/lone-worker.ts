import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import type { ResolvedOptions } from './options.ts'

/**
 * Leaves out of the generated worker what only code of the app could reach, where it has none: with neither `worker` nor
 * `handlers`. It delivers by transactions, and through localforage it only reads; nobody judges answers or adds headers;
 * nobody sees the long texts of errors; and where no rule says so, no writes are joined. To call what is left out fails; it
 * never gives a wrong answer.
 */
export function loneWorker({ worker, handlers, queue }: ResolvedOptions): Plugin | false {
  if (worker || handlers) return false
  const isJoining = queue.some(({ coalesce }) => coalesce)
  const standIns = isJoining ? STAND_INS : { ...STAND_INS, [SW]: { ...STAND_INS[SW], 'capture-join': WITHOUT_JOINING } }
  return {
    name: 'holdfast:lone-worker',
    enforce: 'pre',
    resolveId: {
      filter: { id: [/^\.\/[\w-]+\.[jt]s$/, /^\0holdfast:lone:/] },
      handler(source, importer = '') {
        const [, name = ''] = /^\.\/([\w-]+)\./.exec(source) ?? []
        const folder = Object.keys(standIns).find(folder => importer.replaceAll('\\', '/').startsWith(folder))
        const standIn = folder && standIns[folder]?.[name]
        return standIn === undefined ? null : `${STAND_IN}${folder}${name}`
      },
    },
    load: {
      filter: { id: /^\0holdfast:lone:/ },
      handler(id) {
        const [, folder = '', name = ''] = /^\0holdfast:lone:(.*\/)([\w-]+)$/.exec(id) ?? []
        return standIns[folder]?.[name]
      },
    },
  }
}

const STAND_IN = '\0holdfast:lone:'

/** Of this very copy of the package. */
const ours = (relative: string) => fileURLToPath(new URL(relative, import.meta.url)).replaceAll('\\', '/')
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

const SW = ours('../../sw/')

/** By folder and name of our modules. */
const STAND_INS: Record<string, Record<string, string>> = {
  [ours('../storage/')]: {
    'storage-error': `export * from ${JSON.stringify(ours(`../storage/short-storage-error.${EXTENSION}`))}`,
    driver: `export * from ${JSON.stringify(ours(`../storage/reading-driver.${EXTENSION}`))}`,
    'on-demand': `export const deleteDatabase = undefined, countRange = undefined, readRange = undefined`,
  },
  [ours('../outbox/')]: {
    'refuse-run': `export const outdated = () => Error('A newer version of this app has written to the outbox.')
export const noHandler = (kind, name) => Error('There is no "' + name + '" among the handlers.' + kind)`,
    // A write tells how it stands as JSON, which has no functions.
    'entry-body': 'export const readBody = undefined',
    'own-judge': `import { judgeAnswer } from ${JSON.stringify(ours(`../outbox/outcome-table.${EXTENSION}`))}
export const judgeByApp = (answer, judge, options) => judgeAnswer(answer, options)`,
    'run-auth': `export const createRunAuth = () => ({
  headers: async () => new Headers(), generation: () => 0, hasNewer: async () => false,
})`,
  },
  // The plugin has seen that the rules name none, and that what they say can be.
  [SW]: { 'capture-handlers': 'export const assertHandlers = () => undefined, assertTerms = assertHandlers' },
}

/** Writes that are kept are joined only where a rule says so. */
const WITHOUT_JOINING = 'export const writeCoalescing = undefined'
