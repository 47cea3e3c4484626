import { v4, v7 } from 'uuid'
import type { CapturedWrite, CaptureTerms, Handlers } from '../src/outbox/handlers.ts'
import { type MutationInput, type PreparedMutation, prepareMutation } from '../src/outbox/mutation-input.ts'
import * as rareInput from '../src/outbox/rare-input.ts'
import { DEFAULT_RETRY } from '../src/outbox/retry-policy.ts'
import type { CaptureRule } from '../src/protocol/capture.ts'
import { IDEMPOTENCY_KEY_HEADER, parseIdempotencyKey } from '../src/protocol/idempotency-key.ts'
import type { Mutation, MutationMethod } from '../src/protocol/mutation.ts'
import type { CaptureContext } from './capture-lookup.ts'

/** A write of the app, read whole: what is sent first is what is stored if that fails. */
export interface ReadWrite extends CapturedWrite {
  credentials: RequestCredentials
}

/** Reads a request to its end, and leaves it as it was. Rejects where its body cannot be had. */
export async function readWrite(request: Request): Promise<ReadWrite> {
  const bytes = await request.clone().arrayBuffer()
  const { method, headers, credentials } = request
  const url = new URL(request.url)
  url.hash = ''
  return { url, method, headers: new Headers(headers), credentials, bytes, json: () => readJson(headers, bytes)?.value }
}

export type WriteTerms = CaptureTerms & { entity: string }

/** What holds for a write: the word of the app's function before the rule's. False: it is to be left alone. */
export function termsOf(
  rule: CaptureRule,
  write: ReadWrite,
  { handlers = {}, origin }: { handlers?: Handlers; origin: string },
): WriteTerms | false {
  const { entity, priority, coalesce, handler } = rule
  const own = handler === undefined ? undefined : handlers.captures?.[handler]?.(write)
  if (own === false) return false
  const { url } = write
  const path = url.origin === origin ? url.pathname : url.origin + url.pathname
  const byRule: WriteTerms = { entity: entity ?? path, ...(priority !== undefined && { priority }), coalesce }
  const given = Object.fromEntries(Object.entries(own ?? {}).filter(([, value]) => value !== undefined))
  return { ...byRule, ...given }
}

/** The key of a write, of all its attempts, and the id under which it would be stored. */
export type WriteKey = Pick<Mutation, 'id' | 'idempotencyKey' | 'keyGiven'>

/**
 * The key that a request brings along, or a new one. Of a key that was given the id is made, together with what else tells
 * one write from another: the same request gets the same id. Nothing where what was given is no key.
 */
export async function keyOf(
  { url, method, headers }: ReadWrite,
  { settings: { key }, principal }: CaptureContext,
): Promise<WriteKey | undefined> {
  const given = headers.get(key.header)
  if (given === null) return { id: v7() }
  const parsed = parseIdempotencyKey(given)
  if (parsed === undefined) return undefined
  const text = JSON.stringify([principal ?? null, method, url.href, parsed])
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  const id = v4({ random: new Uint8Array(digest).subarray(0, 16) })
  return { id, idempotencyKey: given, keyGiven: true }
}

/** Makes a mutation of a write, as `mutate()` does. Rejects where it cannot be one. */
export async function prepareWrite(
  write: ReadWrite,
  key: WriteKey,
  terms: CaptureTerms,
  { settings, now }: CaptureContext,
): Promise<PreparedMutation> {
  const { url, method, headers, credentials, bytes } = write
  const json = readJson(headers, bytes)
  const input: MutationInput = {
    ...terms,
    url,
    method: method as MutationMethod,
    headers: storedHeaders(headers, settings.key.header),
    body: json?.text ?? (bytes.byteLength > 0 ? bytes : undefined),
    ...(credentials !== 'same-origin' && { credentials }),
  }
  const loadRare = async () => rareInput
  const prepared = await prepareMutation(input, {
    base: url.href,
    now,
    newId: () => key.id,
    retry: DEFAULT_RETRY,
    loadRare,
  })
  return { ...prepared, mutation: { ...prepared.mutation, ...key, body: asJson(prepared.mutation.body, json) } }
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

/** It is stored as it came, letter by letter: the first attempt has sent it so. */
function asJson(body: Mutation['body'], json: unknown): Mutation['body'] {
  if (json === undefined) return body
  if (body.kind === 'text') return { ...body, kind: 'json' }
  return body.kind === 'apart' ? { ...body, of: 'json' } : body
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
