import type { CapturedWrite, CaptureTerms, Handlers } from '../src/outbox/handlers.ts'
import { blobKeyOf, type PreparedMutation } from '../src/outbox/mutation-input.ts'
import { INLINE_LIMIT } from '../src/outbox/record-body.ts'
import { DEFAULT_RETRY } from '../src/outbox/retry-policy.ts'
import type { CaptureRule } from '../src/protocol/capture.ts'
import { formatIdempotencyKey, IDEMPOTENCY_KEY_HEADER, parseIdempotencyKey } from '../src/protocol/idempotency-key.ts'
import type { Mutation, MutationMethod, StoredBody } from '../src/protocol/mutation.ts'
import { assertTerms } from './capture-handlers.ts'
import { idOf } from './capture-id.ts'
import type { CaptureContext } from './capture-lookup.ts'

/** A write of the app, read whole: what is sent first is what is stored if that fails. */
export interface ReadWrite extends CapturedWrite {
  credentials: RequestCredentials
}

/** Reads a request to its end, and leaves it as it was. Rejects where its body cannot be had. */
export async function readWrite(request: Request): Promise<ReadWrite> {
  const bytes = await request.clone().arrayBuffer()
  const { method, headers, credentials } = request
  const url = addressOf(request)
  return { url, method, headers: new Headers(headers), credentials, bytes, json: () => readJson(headers, bytes)?.value }
}

function addressOf(request: Request): URL {
  const url = new URL(request.url)
  url.hash = ''
  return url
}

export type WriteTerms = CaptureTerms & { entity: string }

/** Of which entity a write is as far as its rule says; nothing where a function of the app has a word in it. */
export function entityByRule({ entity, handler }: CaptureRule, request: Request, origin: string): string | undefined {
  if (handler !== undefined) return undefined
  return entity ?? pathOf(new URL(request.url), origin)
}

function pathOf(url: URL, origin: string): string {
  return url.origin === origin ? url.pathname : url.origin + url.pathname
}

/** What holds for a write: the word of the app's function before the rule's. False: it is to be left alone. */
export function termsOf(
  rule: CaptureRule,
  write: ReadWrite,
  { handlers = {}, origin }: { handlers?: Handlers; origin: string },
): WriteTerms | false {
  const { entity, priority, coalesce, handler } = rule
  const own = handler === undefined ? undefined : handlers.captures?.[handler]?.(write)
  if (own === false) return false
  const byRule: WriteTerms = { entity: entity ?? pathOf(write.url, origin), priority, coalesce }
  const given = Object.fromEntries(Object.entries(own ?? {}).filter(([, value]) => value !== undefined))
  return { ...byRule, ...given }
}

/** The key of a write, of all its attempts, and the id under which it would be stored. */
export type WriteKey = Pick<Mutation, 'id' | 'idempotencyKey' | 'keyGiven'>

export interface Keyed {
  key: WriteKey
  /** The ids under which the same write may be on record. */
  sameAs: string[]
}

/** A new id. */
export function newId(now: number): string {
  return idOf(now, crypto.getRandomValues(new Uint8Array(16)))
}

/** The key of a write for which the app gives none; whose id is given. */
export function keyFor(
  id: string,
  { url }: ReadWrite,
  { sendKey }: CaptureRule,
  { settings: { key }, origin }: CaptureContext,
): WriteKey {
  if (!sendKey || [origin, ...key.origins].includes(url.origin)) return { id }
  return { id, idempotencyKey: key.form === 'bare' ? id : formatIdempotencyKey(id), keyGiven: true }
}

/**
 * The key that a request brings along. Of it the id is made, together with what else tells one write from another: the
 * same request gets the same id. Nothing where what was given is no key.
 */
export async function givenKey(
  write: ReadWrite,
  given: string,
  { principal, now }: CaptureContext,
): Promise<Keyed | undefined> {
  const { url, method, headers, bytes } = write
  const parsed = parseIdempotencyKey(given)
  if (parsed === undefined) return undefined
  // Of a form that is made anew the boundary is another one each time.
  const isForm = /^multipart\//i.test(headers.get('content-type') ?? '')
  const mark = isForm ? bytes.byteLength : await hashOf(bytes)
  const random = await digestOf(JSON.stringify([principal ?? null, method, url.href, parsed, mark]))
  const sameAs = daysBefore(now()).map(day => idOf(day, random))
  return { key: { id: String(sameAs[0]), idempotencyKey: given, keyGiven: true }, sameAs }
}

/** What tells a request from another one, also in another worker. */
export async function markOf({ url, method, headers, bytes }: ReadWrite, clientId: string): Promise<string> {
  return hashOf(JSON.stringify([clientId, method, url.href, [...headers], await hashOf(bytes)]))
}

/**
 * With an id that names its day, since answers are forgotten in the order of their ids: today's first, then one for each
 * day on which a write that still waits may have been made.
 */
function daysBefore(now: number): number[] {
  const today = Math.floor(now / DAY_MS)
  return Array.from({ length: KNOWN_DAYS }, (_, index) => (today - index) * DAY_MS)
}

const DAY_MS = 24 * 60 * 60 * 1000
/** As old as a write gets by default, and the day on which it was made. */
const KNOWN_DAYS = 31

async function hashOf(data: string | ArrayBuffer): Promise<string> {
  return (await digestOf(data)).join()
}

async function digestOf(data: string | ArrayBuffer): Promise<Uint8Array> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/** Makes a mutation of a write, as `mutate()` does. Throws where the app's function has said what cannot be. */
export function prepareWrite(
  write: ReadWrite,
  key: WriteKey,
  terms: WriteTerms,
  { retry, context }: { retry: CaptureRule['retry']; context: CaptureContext },
): PreparedMutation {
  const { url, method, headers, credentials } = write
  const { entity, priority = 0, coalesce, meta } = terms
  assertTerms(terms)
  const { body, apart } = toBody(write, key.id)
  const mutation: PreparedMutation['mutation'] = {
    version: 1,
    ...key,
    url: url.href,
    method: method as MutationMethod,
    headers: [...storedHeaders(headers, context.settings.key.header)],
    body,
    entity,
    priority,
    ...(meta && { meta: structuredClone(meta) }),
    ...(credentials !== 'same-origin' && { credentials }),
    createdAt: context.now(),
    attempts: 0,
    failures: 0,
    retry: { ...DEFAULT_RETRY, ...retry },
    fence: 0,
  }
  // What has a key of its own is joined with nothing, and each key is sent.
  return { mutation, ...(apart !== undefined && { apart }), ...(coalesce && !key.keyGiven && { coalesce }) }
}

/** It is stored as it came, letter by letter: the first attempt has sent it so. */
function toBody({ headers, bytes }: ReadWrite, id: string): { body: StoredBody; apart?: string | ArrayBuffer } {
  if (bytes.byteLength === 0) return { body: { kind: 'none' } }
  const text = readJson(headers, bytes)?.text
  const size = text?.length ?? bytes.byteLength
  if (size > INLINE_LIMIT) {
    const of = text === undefined ? 'bytes' : 'json'
    return { body: { kind: 'apart', of, blobKey: blobKeyOf(id), size }, apart: text ?? bytes }
  }
  return { body: text === undefined ? { kind: 'bytes', bytes } : { kind: 'json', text } }
}

/** The exact text of a JSON body, and what it says; nothing where it is none, or not in UTF-8. */
function readJson(headers: Headers, bytes: ArrayBuffer): { text: string; value: unknown } | undefined {
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(headers.get('content-type') ?? '')) return undefined
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return { text, value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** Without what is a secret, what the browser sets anew at each attempt, and the key. */
function storedHeaders(headers: Headers, keyHeader: string): Headers {
  const stored = new Headers(headers)
  for (const name of [...headers.keys()]) if (NOT_STORED.test(name)) stored.delete(name)
  for (const name of [keyHeader, IDEMPOTENCY_KEY_HEADER]) stored.delete(name)
  return stored
}

const NOT_STORED =
  /^(?:authorization|proxy-.*|sec-.*|(?:set-)?cookie|user-agent|upgrade-insecure-requests|origin|referer|host|content-length|connection)$/

/** Whether a request says who sends it by a header, which is never stored. Cookies come along by themselves. */
export function isSigned({ headers }: ReadWrite): boolean {
  return headers.has('authorization')
}
