import { isJsonObject } from '../protocol/merge-patch.ts'
import type { Mutation } from '../protocol/mutation.ts'

/** A request as it is recorded, with references in it. */
export interface ReferringRequest {
  url: string
  headers: readonly (readonly [name: string, value: string])[]
  body: string | ArrayBuffer | undefined
  /** Whether the body was given as `json`: nothing else is searched for references. */
  isJson: boolean
}

export type Resolved =
  | ({ ok: true } & Omit<ReferringRequest, 'isJson'>)
  | { ok: false; missing: [parentId: string, pointer: string]; reason: MissingReason }

/**
 * `no-answer`: nothing is known of that mutation. `not-found`: its answer has nothing at that place. `not-usable`: what is
 * there does not fit: an object or an empty text in an address, a line break in a header, `..` as a part of a path.
 */
export type MissingReason = 'no-answer' | 'not-found' | 'not-usable'

/**
 * Puts the answers that a mutation has noted in place of its references: the same ones into the same bytes at every
 * attempt. In JSON that is the value itself; in an address it is percent-encoded, and can change neither the origin nor
 * the shape of the path; in a header it is the text. Never throws.
 *
 * @example
 * resolveReferences(
 *   { url: 'https://example.com/api/notes/{ref:a1#/id}/photos', headers: [], body: '{"by":{"$ref":["a1","/by"]}}', isJson: true },
 *   { answers: { a1: { '/id': 7, '/by': 'Ada' } } },
 * )
 * // { ok: true, url: 'https://example.com/api/notes/7/photos', headers: [], body: '{"by":"Ada"}' }
 */
export function resolveReferences(
  { url, headers, body, isJson }: ReferringRequest,
  { answers = {} }: Pick<Mutation, 'answers'>,
): Resolved {
  let missing: [string, string] = ['', '']
  let reason: MissingReason = 'not-usable'
  const valueAt = (parent: string, pointer: string): unknown => {
    missing = [parent, pointer]
    const value = answers[parent]?.[pointer]
    if (value === undefined) reason = Object.hasOwn(answers, parent) ? 'not-found' : 'no-answer'
    return value === undefined ? fail() : value
  }
  try {
    const address = fillIn(url, valueAt, inUrl)
    if (address !== url && !isNormal(address, url)) fail()
    return {
      ok: true,
      headers: headers.map(([name, value]) => [name, fillIn(value, valueAt, inHeader)] as const),
      body: isJson && typeof body === 'string' ? JSON.stringify(fillInJson(JSON.parse(body), valueAt)) : body,
      url: address,
    }
  } catch {
    return { ok: false, missing, reason }
  }
}

/** The mutation with what it takes from this answer, or as it is where that is nothing. */
export function withAnswer(mutation: Mutation, { id, body }: { id: string; body: unknown }): Mutation {
  const pointers = (mutation.references ?? []).flatMap(([parent, pointer]) => (parent === id ? [pointer] : []))
  if (pointers.length === 0) return mutation
  const values = pointers.map(pointer => [pointer, lookUp(body, pointer)] as const)
  const found = Object.fromEntries(values.filter(([, value]) => value !== undefined))
  return { ...mutation, answers: { ...mutation.answers, [id]: found } }
}

/** The mutations that it refers to and whose answers it has not noted. */
export function unanswered({ references = [], answers = {} }: Pick<Mutation, 'references' | 'answers'>): string[] {
  const parents = references.map(([parent]) => parent)
  return [...new Set(parents)].filter(parent => !Object.hasOwn(answers, parent))
}

/** A reference in a text: its id and, as a URI fragment (RFC 6901, 6), its pointer. */
const PLACEHOLDER = /\{ref:([^{}#]*)#([^{}]*)\}/g

type ValueAt = (parent: string, pointer: string) => unknown

/** Follows a JSON Pointer (RFC 6901) through members that the value itself has; never into a prototype. */
function lookUp(value: unknown, pointer: string): unknown {
  const names = pointer.split('/').slice(1)
  return names.reduce<unknown>((found, token) => {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(found)) return /^(?:0|[1-9]\d*)$/.test(name) ? found[Number(name)] : undefined
    return isJsonObject(found) && Object.hasOwn(found, name) ? found[name] : undefined
  }, value)
}

function fillIn(text: string, valueAt: ValueAt, write: (value: string) => string): string {
  return text.replace(PLACEHOLDER, (_all, parent: string, fragment: string) => {
    const value = valueAt(parent, decodeURIComponent(fragment))
    return typeof value === 'object' ? fail() : write(String(value))
  })
}

/** An empty text would turn "delete this note" into "delete the notes". Half a character cannot be encoded: that throws. */
function inUrl(value: string): string {
  if (value === '') fail()
  return encodeURIComponent(value).replace(/[!'()*]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Only what HTTP can carry there (RFC 9110, 5.5), so that no answer can add a line. */
function inHeader(value: string): string {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? value : fail()
}

function fillInJson(json: unknown, valueAt: ValueAt): unknown {
  if (Array.isArray(json)) return json.map(item => fillInJson(item, valueAt))
  if (!isJsonObject(json)) return json
  // An inherited `$ref` cannot be: this was parsed just now. What an answer puts here is not looked through again.
  if (Array.isArray(json.$ref)) return valueAt(json.$ref[0], json.$ref[1])
  // Defines members; an assignment to `__proto__` would set the prototype.
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, fillInJson(value, valueAt)]))
}

/** Says whether the parser leaves the address as it is: what was filled in has changed no origin and climbed no path. */
function isNormal(url: string, template: string): boolean {
  const { href, origin } = new URL(url)
  return href === url && template.startsWith(`${origin}/`)
}

function fail(): never {
  throw new Error()
}
