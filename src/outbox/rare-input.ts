import { StorableRequest } from 'workbox-background-sync/StorableRequest.js'
import { HoldfastError } from '../protocol/errors.ts'
import { METHODS } from '../protocol/mutation.ts'
import { invalidMutation } from './invalid-mutation.ts'
import {
  blobKeyOf,
  isListOfTexts,
  isMembers,
  isPriority,
  type MutationInput,
  type PreparedMutation,
  type PreparePorts,
  SECRET_HEADERS,
  USUAL,
  writeMethod,
} from './mutation-input.ts'
import { INLINE_LIMIT } from './record-body.ts'
import { absoluteTemplate, findReferences } from './references.ts'
import { assertBody, unreadable } from './refuse-body.ts'

/**
 * Adds to a mutation what only some inputs ask for: times, coalescing, references and the like, and the bytes of the body
 * that `request` holds. Rejects with a `HoldfastError` of code `invalid-mutation`, or `offline`.
 */
export async function withRareTerms(
  prepared: PreparedMutation,
  input: MutationInput,
  { base, isOnline = () => true }: Pick<PreparePorts, 'base' | 'isOnline'>,
  request?: Request,
): Promise<PreparedMutation> {
  assertMembers(input)
  assertWords(input)
  const { coalesce, onUncertain, credentials } = input
  if (coalesce && input.entity === undefined) {
    throw invalidMutation('it is to be coalesced and has no entity', 'Pass entity: what is joined is of one entity.')
  }
  const [notBefore, expiresAt] = [timeOf('notBefore', input.notBefore), timeOf('expiresAt', input.expiresAt)]
  const { retry } = prepared.mutation
  const mutation = {
    ...prepared.mutation,
    retry: { ...retry, attempts: attemptsOf(input) ?? retry.attempts },
    ...(notBefore !== undefined && { notBefore }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(onUncertain === 'hold' && { onUncertain }),
    ...(credentials !== undefined && { credentials }),
  }
  const referring = withReferences({ ...prepared, mutation, ...(coalesce && { coalesce }) }, input, base)
  if (input.online === 'required' && !isOnline()) throw offline()
  return request ? withBytes(referring, await bytesOf(request)) : referring
}

/** Workbox's own conversion of a request into something storable reads the bytes. */
async function bytesOf(request: Request): Promise<ArrayBuffer> {
  try {
    const { body } = (await StorableRequest.fromRequest(request)).toObject()
    return (body as ArrayBuffer | undefined) ?? new ArrayBuffer(0)
  } catch (cause) {
    throw unreadable(cause)
  }
}

function withBytes(prepared: PreparedMutation, bytes: ArrayBuffer): PreparedMutation {
  const { mutation } = prepared
  const size = bytes.byteLength
  if (size <= INLINE_LIMIT) return { ...prepared, mutation: { ...mutation, body: { kind: 'bytes', bytes } } }
  const blobKey = blobKeyOf(mutation.id)
  return { ...prepared, mutation: { ...mutation, body: { kind: 'apart', of: 'bytes', blobKey, size } }, apart: bytes }
}

/** Says what keeps a mutation from being made of this input: throws a `HoldfastError` of code `invalid-mutation`. */
export function refuseInput(input: MutationInput, base: string): never {
  if (typeof input !== 'object' || input === null) {
    throw invalidMutation('it is not an object', 'Pass { url, method, json }.')
  }
  assertMembers(input)
  assertUrl(input.url, base)
  assertMethod(input.method)
  assertHeaders(input.headers)
  assertMeta(input.meta)
  assertPlace(input)
  assertBody(input)
  throw invalidMutation('it has changed while it was read', 'Pass an object that stays as it is.')
}

const RARE = ['coalesce', 'notBefore', 'expiresAt', 'attempts', 'online', 'onUncertain', 'credentials']
const MEMBERS = [...USUAL, ...RARE]

function assertMembers(input: MutationInput): void {
  const unknown = Object.keys(input).find(member => !MEMBERS.includes(member))
  if (unknown === undefined) return
  throw invalidMutation(
    `it has a member "${unknown}" that Holdfast does not know`,
    `Use only ${MEMBERS.join(', ')}; your own data goes into meta.`,
  )
}

const WORDS: { [Member in keyof MutationInput]?: readonly MutationInput[Member][] } = {
  coalesce: [false, 'replace', 'merge'],
  online: ['required'],
  onUncertain: ['retry', 'hold'],
  credentials: ['omit', 'same-origin', 'include'],
}

function assertWords(input: MutationInput): void {
  for (const [member, words] of Object.entries(WORDS)) {
    const value: unknown = input[member as keyof typeof WORDS]
    if (value === undefined || words.some(word => word === value)) continue
    const written = words.map(word => JSON.stringify(word)).join(' or ')
    throw invalidMutation(`its ${member} is ${String(value)}`, `Pass ${written}, or leave it out.`)
  }
}

function attemptsOf({ attempts }: MutationInput): number | undefined {
  if (attempts === undefined || (Number.isInteger(attempts) && attempts >= 1)) return attempts
  throw invalidMutation(`its attempts are ${String(attempts)}`, 'Pass a whole number from 1.')
}

function timeOf(member: string, value: Date | undefined): number | undefined {
  if (value === undefined) return undefined
  const time = value instanceof Date ? value.getTime() : Number.NaN
  if (Number.isNaN(time)) throw invalidMutation(`its ${member} is not a date`, 'Pass a Date.')
  return time
}

function withReferences(prepared: PreparedMutation, input: MutationInput, base: string): PreparedMutation {
  const { mutation, dependsOn = [] } = prepared
  const url = absoluteTemplate(String(input.url), base)
  const { references } = findReferences({ url, headers: mutation.headers, json: jsonOf(prepared) })
  if (references.length === 0) return prepared
  const parents = references.map(([parent]) => parent)
  return {
    ...prepared,
    mutation: { ...mutation, url, references },
    dependsOn: [...new Set([...dependsOn, ...parents])],
  }
}

function jsonOf({ mutation: { body }, apart }: PreparedMutation): unknown {
  if (body.kind === 'json') return JSON.parse(body.text)
  return body.kind === 'apart' && body.of === 'json' ? JSON.parse(String(apart)) : undefined
}

function assertUrl(url: string | URL, base: string): void {
  if (url === undefined || url === null || url === '') {
    throw invalidMutation(
      'it has no url',
      'Pass the address that the write goes to, for example { url: "/api/notes" }.',
    )
  }
  const { protocol, username, password } = parseUrl(String(url), base)
  if (protocol !== 'https:' && protocol !== 'http:') {
    throw invalidMutation(`its url has the scheme ${protocol}`, 'Use an http or https address.')
  }
  if (username !== '' || password !== '') {
    throw invalidMutation(
      'its url holds a user name or password, which would be stored on the device',
      'Leave them out of the url.',
    )
  }
}

function parseUrl(url: string, base: string): URL {
  try {
    return new URL(url, base)
  } catch (cause) {
    throw invalidMutation(`"${url}" is not a url`, 'Pass an absolute address, or a path of this site.', cause)
  }
}

function assertMethod(method: MutationInput['method']): void {
  if (writeMethod(method)) return
  throw invalidMutation(
    `its method is ${String(method).slice(0, 20)}, which is not a write`,
    `Use ${METHODS.join(', ')}; to read, call fetch().`,
  )
}

function assertHeaders(init: HeadersInit | undefined): void {
  const headers = parseHeaders(init)
  const secret = SECRET_HEADERS.find(name => headers.has(name))
  if (secret) {
    throw invalidMutation(
      `its headers hold "${secret}", and what is recorded stays on the device for days`,
      'Leave it out, and let the session cookie authorise the write when it is sent.',
    )
  }
  if (headers.has('idempotency-key')) {
    throw invalidMutation(
      'its headers hold "idempotency-key"',
      'Leave it out: Holdfast sends the id of the mutation as the key of every attempt.',
    )
  }
}

function parseHeaders(init: HeadersInit | undefined): Headers {
  try {
    return new Headers(init)
  } catch (cause) {
    throw invalidMutation('its headers are not valid', 'Pass names and values that HTTP allows, as for fetch().', cause)
  }
}

function assertMeta(meta: unknown): void {
  if (meta === undefined) return
  if (!isMembers(meta)) throw invalidMutation('its meta is not an object', 'Pass an object such as { label: "Note" }.')
  try {
    structuredClone(meta)
  } catch (cause) {
    throw invalidMutation(
      'its meta cannot be stored',
      'Keep functions, DOM nodes and class instances out of meta.',
      cause,
    )
  }
}

function assertPlace({ entity, priority = 0, dependsOn }: MutationInput): void {
  if (entity !== undefined && (typeof entity !== 'string' || entity === '')) {
    throw invalidMutation('its entity is not a name', 'Pass a string such as "note:42", or leave it out.')
  }
  if (!isPriority(priority)) {
    throw invalidMutation(`its priority is ${String(priority)}`, 'Pass a whole number from -10000 to 10000.')
  }
  if (dependsOn !== undefined && !isListOfTexts(dependsOn)) {
    throw invalidMutation('its dependsOn is not a list of ids', 'Pass the ids of earlier mutations: [receipt.id].')
  }
}

function offline(): HoldfastError {
  return new HoldfastError({
    code: 'offline',
    action: 'record the mutation',
    reason: 'it is only to be made with a network, and there is none',
    hint: 'Nothing was stored. Try again when `status` says that the app is online.',
  })
}
