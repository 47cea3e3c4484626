import { METHODS, type MutationMethod, type NewMutation, PRIORITY_RANGE } from '../protocol/mutation.ts'
import { invalidMutation } from './invalid-mutation.ts'
import { type RecordedBody, recordBody } from './record-body.ts'
import type { RetryPolicy } from './retry-policy.ts'

/** A write, as the app gives it to `mutate()`. Exactly one of `json` and `body` may be given, or neither. */
export interface MutationInput {
  /** Where the write goes; relative to the page. Only http and https, without a user name or password. */
  url: string | URL
  /** Default POST. */
  method?: MutationMethod
  /** Sent as `application/json`. */
  json?: unknown
  /** A string, URLSearchParams, FormData, Blob, ArrayBuffer or typed array. A stream cannot be sent twice, so it is refused. */
  body?: BodyInit
  /** Stored on the device with the write, so `Authorization`, `Cookie` and their like are refused. */
  headers?: HeadersInit
  /** Mutations of one entity reach the server in the order of their calls, one at a time. */
  entity?: string
  /** Higher first, from -10000 to 10000; default 0. Within an entity the order of the calls holds all the same. */
  priority?: number
  /** Ids of mutations that must be confirmed before this one is sent. */
  dependsOn?: string[]
  /** Not sent before this time. */
  notBefore?: Date
  /** Not sent after this time: it becomes a dead letter then, with the reason `expired`. */
  expiresAt?: Date
  /** How many answers that ask for another attempt it may get before it is a dead letter. Default: the outbox's `retry.attempts`. */
  attempts?: number
  /** What the app wants to know about this write later. Copied; anything that structured clone accepts. */
  meta?: Record<string, unknown>
}

/** What the outside gives to a new mutation: its id, the time, and what relative URLs are relative to. */
export interface PreparePorts {
  base: string
  now: () => number
  newId: () => string
  retry: RetryPolicy
}

export interface PreparedMutation {
  mutation: NewMutation
  /** The body, when it is stored apart from the record. */
  apart?: string | ArrayBuffer
  dependsOn?: string[]
}

/**
 * Checks an input and makes the mutation of it, before anything is stored. Answers at once where the body can be read
 * at once, else with a promise.
 *
 * Throws, or rejects with, a `HoldfastError` of code `invalid-mutation` that says what to change.
 */
export function prepareMutation(
  input: MutationInput,
  ports: PreparePorts,
): PreparedMutation | Promise<PreparedMutation> {
  assertMembers(input)
  const url = absoluteUrl(input.url, ports.base)
  const method = writeMethod(input.method)
  const headers = storableHeaders(input.headers)
  const draft: Draft = { url, method, meta: copyMeta(input.meta), ...scheduleOf(input) }
  const body = recordBody(input, { url, method, headers })
  return body instanceof Promise
    ? body.then(recorded => assemble(draft, recorded, ports))
    : assemble(draft, body, ports)
}

interface Draft extends Schedule {
  url: string
  method: MutationMethod
  meta: Record<string, unknown> | undefined
}

function assemble(draft: Draft, recorded: RecordedBody, { now, newId, retry }: PreparePorts): PreparedMutation {
  const id = newId()
  const { headers, apart } = recorded
  const { url, method, entity, priority, attempts, notBefore, expiresAt, dependsOn, meta } = draft
  const mutation: NewMutation = {
    version: 1,
    id,
    url,
    method,
    headers: [...headers],
    body: recorded.body.kind === 'apart' ? { ...recorded.body, blobKey: `body:${id}` } : recorded.body,
    priority,
    createdAt: now(),
    attempts: 0,
    failures: 0,
    retry: attempts === undefined ? retry : { ...retry, attempts },
    fence: 0,
    ...(entity !== undefined && { entity }),
    ...(notBefore !== undefined && { notBefore }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(meta !== undefined && { meta }),
  }
  return { mutation, ...(apart !== undefined && { apart }), ...(dependsOn && { dependsOn }) }
}

const MEMBERS = new Set([
  ...['url', 'method', 'json', 'body', 'headers', 'entity', 'priority', 'dependsOn', 'notBefore', 'expiresAt'],
  ...['attempts', 'meta'],
])

function assertMembers(input: MutationInput): void {
  if (typeof input !== 'object' || input === null) {
    throw invalidMutation('it is not an object', 'Pass { url, method, json }.')
  }
  for (const member of Object.keys(input)) {
    if (!MEMBERS.has(member)) {
      throw invalidMutation(
        `it has a member "${member}" that Holdfast does not know`,
        `Use only ${[...MEMBERS].join(', ')}; your own data goes into meta.`,
      )
    }
  }
}

function absoluteUrl(url: string | URL, base: string): string {
  if (url === undefined || url === null || url === '') {
    throw invalidMutation(
      'it has no url',
      'Pass the address that the write goes to, for example { url: "/api/notes" }.',
    )
  }
  const parsed = parseUrl(String(url), base)
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') {
    throw invalidMutation(`its url has the scheme ${parsed.protocol}`, 'Use an http or https address.')
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw invalidMutation(
      'its url holds a user name or password, which would be stored on the device',
      'Leave them out of the url.',
    )
  }
  parsed.hash = ''
  return parsed.href
}

function parseUrl(url: string, base: string): URL {
  try {
    return new URL(url, base)
  } catch (cause) {
    throw invalidMutation(`"${url}" is not a url`, 'Pass an absolute address, or a path of this site.', cause)
  }
}

function writeMethod(method: string = 'POST'): MutationMethod {
  const known = METHODS.find(name => name === String(method).toUpperCase())
  if (known) return known
  throw invalidMutation(
    `its method is ${String(method).slice(0, 20)}, which is not a write`,
    `Use ${METHODS.join(', ')}; to read, call fetch().`,
  )
}

const SECRET_HEADERS = ['authorization', 'cookie', 'proxy-authorization', 'set-cookie']

function storableHeaders(init: HeadersInit | undefined): Headers {
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
  return headers
}

function parseHeaders(init: HeadersInit | undefined): Headers {
  try {
    return new Headers(init)
  } catch (cause) {
    throw invalidMutation('its headers are not valid', 'Pass names and values that HTTP allows, as for fetch().', cause)
  }
}

function copyMeta(meta: unknown): Record<string, unknown> | undefined {
  if (meta === undefined) return undefined
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) {
    throw invalidMutation('its meta is not an object', 'Pass an object such as { label: "Note" }.')
  }
  try {
    return structuredClone(meta as Record<string, unknown>)
  } catch (cause) {
    throw invalidMutation(
      'its meta cannot be stored',
      'Keep functions, DOM nodes and class instances out of meta.',
      cause,
    )
  }
}

interface Schedule {
  entity: string | undefined
  priority: number
  attempts: number | undefined
  dependsOn: string[] | undefined
  notBefore: number | undefined
  expiresAt: number | undefined
}

function scheduleOf(input: MutationInput): Schedule {
  const { entity, priority = 0, attempts, dependsOn } = input
  if (entity !== undefined && (typeof entity !== 'string' || entity === '')) {
    throw invalidMutation('its entity is not a name', 'Pass a string such as "note:42", or leave it out.')
  }
  if (!(Number.isInteger(priority) && Math.abs(priority) <= PRIORITY_RANGE)) {
    throw invalidMutation(`its priority is ${String(priority)}`, 'Pass a whole number from -10000 to 10000.')
  }
  if (attempts !== undefined && !(Number.isInteger(attempts) && attempts >= 1)) {
    throw invalidMutation(`its attempts are ${String(attempts)}`, 'Pass a whole number from 1.')
  }
  if (dependsOn !== undefined && !(Array.isArray(dependsOn) && dependsOn.every(id => typeof id === 'string'))) {
    throw invalidMutation('its dependsOn is not a list of ids', 'Pass the ids of earlier mutations: [receipt.id].')
  }
  return {
    entity,
    priority,
    attempts,
    dependsOn: dependsOn && [...new Set(dependsOn)],
    notBefore: timeOf('notBefore', input.notBefore),
    expiresAt: timeOf('expiresAt', input.expiresAt),
  }
}

function timeOf(member: string, value: Date | undefined): number | undefined {
  if (value === undefined) return undefined
  const time = value instanceof Date ? value.getTime() : Number.NaN
  if (Number.isNaN(time)) throw invalidMutation(`its ${member} is not a date`, 'Pass a Date.')
  return time
}
