import { fileURLToPath } from 'node:url'
import type { Plugin, Rolldown } from 'vite'

/**
 * Makes plain imports of what the package imports on demand. That is done for pages, which load it later; a worker is one
 * file that holds it anyway, and would only carry along what postpones its evaluation, and all that an imported module
 * exports. The code of the app is left as it is.
 */
export function importAtOnce(): Plugin {
  return {
    name: 'holdfast:import-at-once',
    transform: {
      filter: { code: /\bimport\(/ },
      handler(code, id) {
        if (!OUR_FOLDERS.some(folder => id.replaceAll('\\', '/').startsWith(folder))) return null
        // Added at the end, where no line moves: the source map stays right.
        return { code: withPlainImports(code, this.parse(code)), map: null }
      },
    },
  }
}

const OUR_FOLDERS = ['../outbox/', '../protocol/', '../storage/', '../tabs/', '../../sw/'].map(folder =>
  fileURLToPath(new URL(folder, import.meta.url)).replaceAll('\\', '/'),
)

/** A place in the code that is replaced by a text, and the bindings that are imported for that. */
interface Found {
  start: number
  end: number
  source: string
  /** `alias` stands for what the module exports under `name`; without a name, for all of it. */
  bindings: { name?: string; alias: string }[]
  text: string
}

function withPlainImports(code: string, program: ReturnType<Rolldown.PluginContext['parse']>): string {
  const found: Found[] = []
  collect(program, found)
  const changed = found
    .toSorted((a, b) => b.start - a.start)
    .reduce((text, { start, end, text: instead }) => `${text.slice(0, start)}${instead}${text.slice(end)}`, code)
  const imports = found.flatMap(({ source, bindings }) =>
    bindings.map(
      ({ name, alias }) =>
        `import ${name ? `{ ${name} as ${alias} }` : `* as ${alias}`} from ${JSON.stringify(source)}\n`,
    ),
  )
  return `${changed}\n${imports.join('')}`
}

/** Finds every `await import('…')` with a fixed text, wherever it stands. */
function collect(node: unknown, found: Found[]): void {
  if (typeof node !== 'object' || node === null) return
  const one = foundIn(node, `__holdfastAtOnce${found.length}`)
  if (one) found.push(one)
  else for (const inner of Object.values(node)) collect(inner, found)
}

/** By name where the code says what it takes: a namespace is an object that the bundle would have to build. */
function foundIn(node: Node, prefix: string): Found | undefined {
  const { start = 0, end = 0 } = node
  const names = namesIn(node.id)
  const declared = node.type === 'VariableDeclarator' && names ? sourceOf(node.init) : undefined
  if (declared !== undefined && names) {
    const bindings = names.map(({ name }) => ({ name, alias: `${prefix}_${name}` }))
    const text = names.map(({ name, local }) => `${local} = ${prefix}_${name}`).join(', ')
    return { start, end, source: declared, bindings, text }
  }
  const name = node.type === 'MemberExpression' && !node.computed ? node.property?.name : undefined
  const member = name === undefined ? undefined : sourceOf(node.object)
  if (member !== undefined) return { start, end, source: member, bindings: [{ name, alias: prefix }], text: prefix }
  const whole = node.type === 'AwaitExpression' ? sourceOf(node) : undefined
  return whole === undefined ? undefined : { start, end, source: whole, bindings: [{ alias: prefix }], text: prefix }
}

/** What of a syntax tree is looked at. */
interface Node {
  type?: string
  start?: number
  end?: number
  id?: Node | null
  init?: Node | null
  object?: Node
  property?: Node
  computed?: boolean
  name?: string
  argument?: Node | null
  expression?: Node
  source?: { value?: unknown }
  properties?: { key?: Node; value?: Node; computed?: boolean }[]
}

/** The names of a pattern that takes members as they are, such as `{ a, b: c }`. */
function namesIn(pattern: Node | null | undefined): { name: string; local: string }[] | undefined {
  if (pattern?.type !== 'ObjectPattern') return undefined
  const names = (pattern.properties ?? []).map(({ key, value, computed }) =>
    key?.name && value?.type === 'Identifier' && value.name && !computed
      ? { name: key.name, local: value.name }
      : undefined,
  )
  const known = names.filter(name => name !== undefined)
  return known.length > 0 && known.length === names.length ? known : undefined
}

function sourceOf(node: Node | null | undefined): string | undefined {
  if (node?.type === 'ParenthesizedExpression') return sourceOf(node.expression)
  if (node?.type !== 'AwaitExpression' || node.argument?.type !== 'ImportExpression') return undefined
  const source = node.argument.source?.value
  return typeof source === 'string' ? source : undefined
}
