import { METHODS, type MutationMethod, type NewMutation, PRIORITY_RANGE } from '../protocol/mutation.ts'
import { type RecordedBody, recordBody } from './record-body.ts'
import type { RetryPolicy } from './retry-policy.ts'

/**
 * A write, as the app gives it to `mutate()`. Exactly one of `json` and `body` may be given, or neither.
 *
 * `url`, `json` and the values of `headers` may refer to what the answer of an earlier mutation will hold: its id, and a
 * JSON Pointer (RFC 6901) into the body of that answer. In `json` that is an object with one member, `{ $ref: [id, '/id'] }`;
 * elsewhere it is written `{ref:id#/id}`, in an address behind its origin. The mutation waits for those that it refers to,
 * as if they stood in `dependsOn`. Where an answer does not have what is referred to, or it does not fit, the mutation
 * becomes a dead letter with the reason `reference-lost`.
 *
 * @example
 * const note = await hf.mutate({ url: '/api/notes', json: { text: 'Low tide at noon' } })
 * await hf.mutate({ url: `/api/notes/{ref:${note.id}#/id}/tags`, json: { note: { $ref: [note.id, '/id'] }, name: 'sea' } })
 */
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
  /**
   * Whether it may be joined with the last mutation of its entity that still waits, so that fewer are sent and the server
   * ends up the same. `replace`: a later body for the same address takes the place of the earlier, as for a position or a
   * draft. `merge`: the fields of two PATCHes become one (RFC 7396), and those of a PATCH go into the POST that creates
   * what it changes. Either: a DELETE and that POST cancel each other out, and both end as cancelled. What was attempted
   * once is never joined, nor what differs in headers, priority, times or dependencies; then both are sent. The receipt is
   * that of the mutation that carries the write: the earlier one, where that took this in. Needs `entity`. Default: false.
   */
  coalesce?: false | 'replace' | 'merge'
  /** Not sent before this time. */
  notBefore?: Date
  /** Not sent after this time: it becomes a dead letter then, with the reason `expired`. */
  expiresAt?: Date
  /** How many answers that ask for another attempt it may get before it is a dead letter. Default: the outbox's `retry.attempts`. */
  attempts?: number
  /** `required`: while there is no network, `mutate()` rejects with `offline` and records nothing. Default: it is recorded. */
  online?: 'required'
  /**
   * What to do when an attempt may have arrived, and nobody knows: the connection broke off, or the worker was stopped.
   * `retry`: it is sent again under the same key, which a server that honours the key does once. `hold`: a person decides;
   * until then it waits, and so does what follows it in its entity. Default: `retry`.
   */
  onUncertain?: 'retry' | 'hold'
  /** As for fetch(). Default: what fetch() does, which is `same-origin`. */
  credentials?: RequestCredentials
  /** What the app wants to know about this write later. Copied; anything that structured clone accepts. */
  meta?: Record<string, unknown>
}

/** What the outside gives to a new mutation: its id, the time, and what relative URLs are relative to. */
export interface PreparePorts {
  base: string
  now: () => number
  newId: () => string
  retry: RetryPolicy
  /** Whether there may be a network, for what must not be recorded without. Default: there may. */
  isOnline?: () => boolean
  /** Gives what only some inputs need; rejects where it cannot be loaded. */
  loadRare: () => Promise<Pick<typeof import('./rare-input.ts'), 'withRareTerms' | 'refuseInput'>>
}

export interface PreparedMutation {
  mutation: NewMutation
  /** The body, when it is stored apart from the record. */
  apart?: string | ArrayBuffer
  dependsOn?: string[]
  coalesce?: 'replace' | 'merge'
}

/**
 * Checks an input and makes the mutation of it, before anything is stored. Answers at once where the body can be read
 * at once and there is nothing but the usual in it, else with a promise. What is recorded is the input as it is now, also
 * where the caller changes it later.
 *
 * Rejects with a `HoldfastError` of code `invalid-mutation` that says what to change, or `offline`.
 */
export function prepareMutation(
  input: MutationInput,
  ports: PreparePorts,
): PreparedMutation | Promise<PreparedMutation> {
  const terms = { ...input }
  const draft = draftOf(terms, ports.base)
  // It takes more to say what is wrong than to see that something is.
  if (!draft) return ports.loadRare().then(rare => rare.refuseInput(input, ports.base))
  const prepared = assemble(draft, ports)
  const { request } = draft.recorded
  return isPlain(terms, prepared) && !request
    ? prepared
    : ports.loadRare().then(rare => rare.withRareTerms(prepared, terms, ports, request))
}

/** What every mutation has, but for what each is given. */
interface Draft extends Pick<PreparedMutation, 'dependsOn'> {
  url: string
  method: MutationMethod
  recorded: RecordedBody
  terms: Pick<NewMutation, 'priority' | 'entity' | 'meta'>
}

/** Nothing where something is not as it must be. */
function draftOf(input: MutationInput, base: string): Draft | undefined {
  try {
    const { entity, priority = 0, dependsOn, meta } = input
    const url = new URL(input.url, base)
    url.hash = ''
    const method = writeMethod(input.method)
    const headers = new Headers(input.headers)
    const isFine =
      input.url &&
      isSendable(url) &&
      !NOT_STORED.some(name => headers.has(name)) &&
      (entity === undefined || (entity && typeof entity === 'string')) &&
      isPriority(priority) &&
      (dependsOn === undefined || isListOfTexts(dependsOn)) &&
      (meta === undefined || isMembers(meta))
    const recorded = method && isFine && recordBody(input, { url: url.href, method, headers })
    if (!recorded) return undefined
    return {
      url: url.href,
      method,
      recorded,
      terms: { priority, ...(entity && { entity }), ...(meta && { meta: structuredClone(meta) }) },
      ...(dependsOn && { dependsOn: [...new Set(dependsOn)] }),
    }
  } catch {
    return undefined
  }
}

function assemble(
  { url, method, terms, dependsOn, recorded: { body, headers, apart } }: Draft,
  { now, newId, retry }: PreparePorts,
): PreparedMutation {
  const id = newId()
  const mutation: NewMutation = {
    version: 1,
    id,
    url,
    method,
    headers: [...headers],
    body: body.kind === 'apart' ? { ...body, blobKey: blobKeyOf(id) } : body,
    createdAt: now(),
    attempts: 0,
    failures: 0,
    retry,
    fence: 0,
    ...terms,
  }
  return { mutation, ...(apart !== undefined && { apart }), ...(dependsOn && { dependsOn }) }
}

/** The key in `blobs` of a body that is stored apart. */
export function blobKeyOf(id: string): string {
  return `body:${id}`
}

/** The members that every input may have; whatever else there is, is looked at by a part that is loaded later. */
export const USUAL = ['url', 'method', 'json', 'body', 'headers', 'entity', 'priority', 'dependsOn', 'meta']

function isPlain(terms: MutationInput, { mutation: { headers, body }, apart }: PreparedMutation): boolean {
  const json = body.kind === 'json' ? body.text : body.kind === 'apart' && body.of === 'json' ? String(apart) : ''
  return (
    Object.keys(terms).every(member => USUAL.includes(member)) &&
    !json.includes('"$ref"') &&
    !/(?:\{|%7B)ref:/i.test(`${terms.url} ${headers}`)
  )
}

/** `fetch` refuses an address with a user name in it. */
export function isSendable({ protocol, username, password }: URL): boolean {
  return /^https?:$/.test(protocol) && !username && !password
}

/** What is recorded stays on the device for days; and the key is Holdfast's own. */
export const SECRET_HEADERS = ['authorization', 'cookie', 'proxy-authorization', 'set-cookie']
const NOT_STORED = [...SECRET_HEADERS, 'idempotency-key']

export function writeMethod(method: string = 'POST'): MutationMethod | undefined {
  return METHODS.find(name => name === String(method).toUpperCase())
}

export function isPriority(priority: number): boolean {
  return Number.isInteger(priority) && Math.abs(priority) <= PRIORITY_RANGE
}

export function isListOfTexts(list: unknown): boolean {
  return Array.isArray(list) && list.every(item => typeof item === 'string')
}

export function isMembers(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
