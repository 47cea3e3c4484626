import { applyMergePatch } from '../../protocol/merge-patch.ts'

/** A write as it changes what the server has. */
export interface Change {
  number: number
  method: string
  /** `/route`, or `/route/name` where it is about something that is there. */
  path: string
  fields: Record<string, unknown>
}

/** What the server has of one entity: something under its name, and what was made. */
export interface ServerDocument {
  named?: unknown
  made: Record<number, unknown>
}

/** Makes a change; the parts come in no order that says anything. */
export function changed(document: ServerDocument, { number, method, path, fields }: Change): ServerDocument {
  const { named, made } = document
  const name = path.split('/')[2]
  if (name === undefined) return { ...document, made: { ...made, [number]: fields } }
  const target = /^made-(\d+)/.exec(name)?.[1]
  if (target === undefined) {
    return { ...document, named: method === 'PATCH' ? applyMergePatch(named ?? {}, fields) : fields }
  }
  const { [Number(target)]: before, ...others } = made
  if (method === 'DELETE' || before === undefined) return { ...document, made: others }
  return { ...document, made: { ...others, [Number(target)]: applyMergePatch(before, fields) } }
}

/** The same text for the same document. */
export function textOf({ named, made }: ServerDocument): string {
  return JSON.stringify(sorted({ named, made }))
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, one]) => [name, sorted(one)]))
}
