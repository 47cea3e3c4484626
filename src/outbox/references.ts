import { isJsonObject } from '../protocol/merge-patch.ts'
import { invalidMutation } from './invalid-mutation.ts'

/**
 * A part of what another mutation's answer will be: its id, and a JSON Pointer (RFC 6901) into the body of the answer.
 *
 * In JSON it is written as an object with one member: `{ "$ref": ["0190…", "/id"] }`. In an address or the value of a
 * header it is written `{ref:0190…#/id}`, with the pointer as a URI fragment (RFC 6901, 6): `%7D` stands for `}`.
 */
export type Reference = readonly [parentId: string, pointer: string]

/** The parts of a request that may refer to answers. */
export interface ReferringRequest {
  /** An absolute address, as `absoluteTemplate` gives it. References may stand in its path and query. */
  url: string
  headers: readonly (readonly [name: string, value: string])[]
  /** The body as JSON carries it: parsed, where it is stored as text. */
  json?: unknown
}

/**
 * Whose answers a request refers to, each once. Throws a `HoldfastError` of code `invalid-mutation` where something looks
 * like a reference and is none. An object whose `$ref` is no array is the app's own data, JSON Schema for example.
 *
 * @example
 * findReferences({ url: 'https://example.com/api/notes/{ref:a1#/id}/photos', headers: [] }) // { parents: ['a1'] }
 */
export function findReferences(request: ReferringRequest): { parents: string[] } {
  return { parents: [...new Set(usesOf(request).map(({ reference: [parent] }) => parent))] }
}

export type Resolved<T extends ReferringRequest = ReferringRequest> =
  | { ok: true; request: T }
  | { ok: false; missing: [parentId: string, pointer: string]; reason: MissingReason }

/**
 * `no-answer`: nothing is known of that mutation. `not-found`: its answer has nothing at that place. `not-usable`: what is
 * there does not fit: an object or an empty text in an address, a line break in a header, `..` as a part of a path.
 */
export type MissingReason = 'no-answer' | 'not-found' | 'not-usable'

/**
 * Puts the answers in place of the references. In JSON that is the value itself; in an address it is percent-encoded,
 * and can change neither the origin nor the shape of the path; in a header it is the text. The request is not changed.
 *
 * @example
 * resolveReferences(
 *   { url: 'https://example.com/api/notes/{ref:a1#/id}/photos', headers: [], json: { note: { $ref: ['a1', '/id'] } } },
 *   new Map([['a1', { id: 7 }]]),
 * )
 * // { ok: true, request: { url: 'https://example.com/api/notes/7/photos', headers: [], json: { note: 7 } } }
 */
export function resolveReferences<T extends ReferringRequest>(
  request: T,
  answersById: ReadonlyMap<string, unknown>,
): Resolved<T> {
  const uses = usesOf(request)
  for (const use of uses) {
    const reason = whyMissing(use, answersById)
    if (reason) return { ok: false, missing: [...use.reference], reason }
  }
  const valueAt: ValueAt = ([parent, pointer]) => lookUp(answersById.get(parent), pointer)
  const resolved: T = {
    ...request,
    url: resolveUrl(request.url, valueAt),
    headers: request.headers.map(([name, value]) => [name, fillIn(value, valueAt, String)]),
    ...(request.json !== undefined && { json: resolveJson(request.json, valueAt) }),
  }
  const inUrl = uses.find(({ place }) => place === 'url')
  if (inUrl && !isNormal(resolved.url, request.url)) {
    return { ok: false, missing: [...inUrl.reference], reason: 'not-usable' }
  }
  return { ok: true, request: resolved }
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
  usesInText(url, 'url')
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

type Place = 'url' | 'header' | 'json'
type ValueAt = (reference: Reference) => unknown

interface Use {
  place: Place
  reference: Reference
}

function usesOf({ url, headers, json }: ReferringRequest): Use[] {
  return [
    ...usesInText(url, 'url'),
    ...headers.flatMap(([, value]) => usesInText(value, 'header')),
    ...referencesIn(json).map((reference): Use => ({ place: 'json', reference })),
  ]
}

const PLACEHOLDER = /(\{ref:[^{}]*\})/

function usesInText(text: string, place: 'url' | 'header'): Use[] {
  return partsOf(text).flatMap(part => {
    if (typeof part !== 'string') return [{ place, reference: part }]
    // Encoded braces: an address that has been through `new URL()` already, which cut the pointer off.
    if (part.includes('{ref:') || (place === 'url' && /%7Bref:/i.test(part))) throw malformed(part)
    return []
  })
}

/** Splits a text at its references. */
function partsOf(text: string): (string | Reference)[] {
  return text.split(PLACEHOLDER).map((piece, index) => (index % 2 === 1 ? parsePlaceholder(piece) : piece))
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

function whyMissing({ place, reference: [parent, pointer] }: Use, answers: ReadonlyMap<string, unknown>) {
  if (!answers.has(parent)) return 'no-answer'
  const value = lookUp(answers.get(parent), pointer)
  if (value === undefined) return 'not-found'
  return isUsable(value, place) ? undefined : 'not-usable'
}

/** Follows a JSON Pointer through members that the value itself has; never into a prototype. */
function lookUp(value: unknown, pointer: string): unknown {
  const names = pointer.split('/').slice(1)
  return names.reduce<unknown>((found, token) => {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(found)) return /^(?:0|[1-9]\d*)$/.test(name) ? found[Number(name)] : undefined
    return isJsonObject(found) && Object.hasOwn(found, name) ? found[name] : undefined
  }, value)
}

function isUsable(value: unknown, place: Place): boolean {
  if (place === 'json') return true
  if (typeof value === 'number' || typeof value === 'boolean') return true
  if (typeof value !== 'string') return false
  // Of a header's value only what HTTP can carry (RFC 9110, 5.5), so that no answer can add a line.
  if (place === 'header') return /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
  // An empty text would turn "delete this note" into "delete the notes". Dots that climb are seen once all is in place.
  return value !== '' && !LONE_SURROGATE.test(value)
}

const LONE_SURROGATE = /\p{Surrogate}/u

function resolveUrl(url: string, valueAt: ValueAt): string {
  return fillIn(url, valueAt, value => encodeURIComponent(value).replace(/[!'()*]/g, percent))
}

function fillIn(text: string, valueAt: ValueAt, write: (value: string) => string): string {
  return partsOf(text)
    .map(part => (typeof part === 'string' ? part : write(String(valueAt(part)))))
    .join('')
}

function resolveJson(json: unknown, valueAt: ValueAt): unknown {
  if (Array.isArray(json)) return json.map(item => resolveJson(item, valueAt))
  if (!isJsonObject(json)) return json
  const reference = asReference(json)
  if (reference) return valueAt(reference)
  // Defines members; an assignment to `__proto__` would set the prototype.
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, resolveJson(value, valueAt)]))
}

/** Says whether the parser leaves the address as it is: what was filled in has changed no origin and climbed no path. */
function isNormal(url: string, template: string): boolean {
  const parsed = new URL(url)
  return parsed.href === url && template.startsWith(`${parsed.origin}/`)
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

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

function malformed(written: string) {
  return invalidMutation(
    `"${written.slice(0, 80)}" is not a reference`,
    'In json write { $ref: [id, "/pointer"] }, elsewhere {ref:id#/pointer}, with the id of an earlier mutation.',
  )
}
