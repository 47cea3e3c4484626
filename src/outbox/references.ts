import { isJsonObject } from '../protocol/merge-patch.ts'
import { invalidMutation } from './invalid-mutation.ts'

/**
 * A part of what another mutation's answer will be: its id, and a JSON Pointer (RFC 6901) into the body of the answer.
 *
 * In JSON it is written as an object with one member: `{ "$ref": ["0190…", "/id"] }`. In an address or the value of a
 * header it is written `{ref:0190…#/id}`, with the pointer as a URI fragment (RFC 6901, 6): `%7D` stands for `}`.
 */
export type Reference = [parentId: string, pointer: string]

/** The parts of a request that may refer to answers. */
export interface ReferringInput {
  url: string
  headers: readonly (readonly [name: string, value: string])[]
  /** The body as JSON carries it: parsed, where it is stored as text. */
  json?: unknown
}

/**
 * What a request refers to, each once. Throws a `HoldfastError` of code `invalid-mutation` where something looks like a
 * reference and is none. An object whose `$ref` is no array is the app's own data, JSON Schema for example.
 *
 * @example
 * findReferences({ url: 'https://example.com/api/notes/{ref:a1#/id}/photos', headers: [] })
 * // { references: [['a1', '/id']] }
 */
export function findReferences({ url, headers, json }: ReferringInput): { references: Reference[] } {
  const found = [
    ...referencesInText(url, 'url'),
    ...headers.flatMap(([, value]) => referencesInText(value, 'header')),
    ...referencesIn(json),
  ]
  return { references: [...new Map(found.map(reference => [reference.join(' '), reference])).values()] }
}

/**
 * Makes an address absolute and leaves its references as they are; the URL parser alone would encode their braces and
 * take what follows `#` for a fragment. Throws a `HoldfastError` of code `invalid-mutation` where a reference stands
 * anywhere but in the path or query: the origin is never up to an answer.
 *
 * @example
 * absoluteTemplate('/api/notes/{ref:a1#/id}', 'https://example.com/app/') // 'https://example.com/api/notes/{ref:a1#/id}'
 */
export function absoluteTemplate(url: string, base: string): string {
  referencesInText(url, 'url')
  const mark = unusedMark(url)
  const pieces = url.split(PLACEHOLDER)
  const parsed = parse(pieces.map((piece, index) => (index % 2 === 1 ? `${mark}${index}-` : piece)).join(''), base, url)
  parsed.hash = ''
  return pieces.reduce((href, piece, index) => {
    return index % 2 === 1 ? putBack(href, `${mark}${index}-`, piece, parsed.origin) : href
  }, parsed.href)
}

function putBack(href: string, mark: string, written: string, origin: string): string {
  const [before, after, ...more] = href.split(mark)
  if (before?.startsWith(`${origin}/`) && after !== undefined && more.length === 0) return before + written + after
  throw invalidMutation(
    'its url has a reference outside of its path and query',
    'Write the origin in full, and refer to an answer only in what follows it.',
  )
}

const PLACEHOLDER = /(\{ref:[^{}]*\})/

function referencesInText(text: string, place: 'url' | 'header'): Reference[] {
  return text.split(PLACEHOLDER).flatMap((piece, index) => {
    if (index % 2 === 1) return [parsePlaceholder(piece)]
    // Encoded braces: an address that has been through `new URL()` already, which cut the pointer off.
    if (piece.includes('{ref:') || (place === 'url' && /%7Bref:/i.test(piece))) throw malformed(piece)
    return []
  })
}

function parsePlaceholder(text: string): Reference {
  const [, parent, fragment = ''] = /^\{ref:([^#]*)#(.*)\}$/s.exec(text) ?? []
  return checked([parent, decode(fragment)], text)
}

function referencesIn(json: unknown): Reference[] {
  if (Array.isArray(json)) return json.flatMap(referencesIn)
  if (!isJsonObject(json)) return []
  const reference = asReference(json)
  return reference ? [reference] : Object.values(json).flatMap(referencesIn)
}

function asReference(json: Record<string, unknown>): Reference | undefined {
  const reference = Object.hasOwn(json, '$ref') ? json.$ref : undefined
  if (!Array.isArray(reference)) return undefined
  if (Object.keys(json).length > 1) throw malformed(JSON.stringify(json))
  return checked(reference, JSON.stringify(json))
}

const ID = /^[\w.:-]{1,255}$/
const POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/

function checked(reference: readonly unknown[], written: string): Reference {
  const [parent, pointer] = reference
  if (reference.length !== 2 || typeof parent !== 'string' || typeof pointer !== 'string') throw malformed(written)
  if (!ID.test(parent) || !POINTER.test(pointer)) throw malformed(written)
  return [parent, pointer]
}

function unusedMark(text: string): string {
  let mark = 'ref-'
  while (text.toLowerCase().includes(mark)) mark += 'x-'
  return mark
}

function parse(url: string, base: string, written: string): URL {
  try {
    return new URL(url, base)
  } catch (cause) {
    throw invalidMutation(`"${written}" is not a url`, 'Pass an absolute address, or a path of this site.', cause)
  }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function malformed(written: string) {
  return invalidMutation(
    `"${written.slice(0, 80)}" is not a reference`,
    'In json write { $ref: [id, "/pointer"] }, elsewhere {ref:id#/pointer}, with the id of an earlier mutation.',
  )
}
