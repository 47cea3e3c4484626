import type { Plugin, Rolldown } from 'vite'
import type { ResolvedOptions } from './options.ts'

/**
 * Cuts methods out of Workbox's classes that nothing of the generated worker calls: no bundler does it, since it cannot
 * know who gets an instance. Only where there is no code of the app that could call them. A module that has changed so
 * that it uses one of them itself is left whole.
 */
export function unusedMethods(options: ResolvedOptions): Plugin | false {
  if (options.worker || options.handlers) return false
  const unused = unusedWith(options)
  return {
    name: 'holdfast:unused-methods',
    transform: {
      filter: { id: /\/workbox-(?:precaching|routing)\/\w+\.js$/ },
      handler(code, id) {
        const [, module = ''] = /\/workbox-(\w+\/\w+)\.js$/.exec(id) ?? []
        const names = unused[module]
        if (!names) return null
        const shorter = without(code, this.parse(code).body, names)
        const isUsed = names.some(name => new RegExp(`\\bthis\\.${name}\\b`).test(shorter))
        return isUsed ? null : { code: shorter, map: null }
      },
    },
  }
}

/** By package and module. Ours installs and cleans up itself; what a rule or an option asks for stays. */
function unusedWith({ caching, imageFallback }: ResolvedOptions): Record<string, string[]> {
  return {
    'precaching/PrecacheController': [
      ...['precache', 'install', 'activate'],
      ...(imageFallback === undefined ? ['matchPrecache'] : []),
    ],
    'routing/Router': [
      ...['addFetchListener', 'setDefaultHandler', 'unregisterRoute'],
      ...(caching.length === 0 ? ['addCacheListener'] : []),
    ],
  }
}

type Body = ReturnType<Rolldown.PluginContext['parse']>['body']
type Member = ReturnType<typeof membersOf>[number]

interface Range {
  start: number
  end: number
}

/** What is cut becomes blank, so that source maps still hold. */
function without(code: string, body: Body, names: string[]): string {
  const cuts = membersOf(body).flatMap(member => cutsOf(member, code, names))
  return cuts.reduce((text, { start, end }) => {
    const blank = text.slice(start, end).replace(/[^\n]/g, ' ')
    return text.slice(0, start) + blank + text.slice(end)
  }, code)
}

function membersOf(body: Body) {
  return body.flatMap(statement => (statement.type === 'ClassDeclaration' ? statement.body.body : []))
}

/** The method itself, or the lines by which the constructor binds it. */
function cutsOf(member: Member, code: string, names: string[]): Range[] {
  if (member.type !== 'MethodDefinition' || member.key.type !== 'Identifier') return []
  if (names.includes(member.key.name)) return [member]
  if (member.kind !== 'constructor') return []
  return (member.value.body?.body ?? []).filter(({ start, end }) => {
    const [, bound = ''] = /^this\.(\w+) = this\.\1\.bind\(this\);$/.exec(code.slice(start, end)) ?? []
    return names.includes(bound)
  })
}
