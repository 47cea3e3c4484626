import { StorableRequest } from 'workbox-background-sync/StorableRequest.js'
import { invalidMutation } from '../outbox/invalid-mutation.ts'
import { type PreparedMutation, prepareMutation, SECRET_HEADERS } from '../outbox/mutation-input.ts'
import { refuseInput, withRareTerms } from '../outbox/rare-input.ts'
import { DEFAULT_RETRY } from '../outbox/retry-policy.ts'
import type { KeySettings } from '../outbox/settings.ts'
import { formatIdempotencyKey, parseIdempotencyKey } from '../protocol/idempotency-key.ts'
import type { Mutation, MutationMethod } from '../protocol/mutation.ts'

/** A request in a queue, as workbox-background-sync gives and takes it. */
export interface QueueEntry {
  request: Request
  /** When it was first added. Milliseconds since the epoch; default: now. */
  timestamp?: number
  /** What the app wants to know when the request is replayed. */
  metadata?: object
}

/** A request as plain data: what `StorableRequest` of Workbox makes of one, and what its database holds. */
export interface RequestData extends RequestInit {
  url: string
  method: string
  headers: Record<string, string>
  body?: ArrayBuffer
}

/** What Workbox stores of one entry, but for its id and the name of its queue. */
export interface StoredEntry {
  requestData: RequestData
  timestamp: number
  metadata?: object
}

export interface PrepareOptions {
  entity: string
  maxRetentionMs: number
  now: number
  newId: () => string
}

/** Reads a request, so that it can be stored. Rejects where its body was used. */
export async function readRequestData(request: Request): Promise<RequestData> {
  return (await StorableRequest.fromRequest(request.clone())).toObject() as unknown as RequestData
}

/**
 * Makes the mutation of a queue's entry. What signs the user in is left out: an auth provider adds it when it is sent.
 * Rejects with `invalid-mutation` for what is no write, and for what could be sent only so that nobody sees the answer.
 */
export async function prepareEntry(entry: StoredEntry, options: PrepareOptions): Promise<PreparedMutation> {
  const { requestData, timestamp, metadata } = entry
  const { entity, maxRetentionMs, now, newId } = options
  const { url, method, headers, body, ...request } = requestData
  assertReadableAnswer(requestData)
  const expiresAt = new Date(timestamp + maxRetentionMs)
  const input = {
    url,
    method: method as MutationMethod,
    headers: Object.entries(headers).filter(([name]) => !NOT_STORED.includes(name.toLowerCase())),
    ...(body && body.byteLength > 0 && { body }),
    ...(request.credentials && { credentials: request.credentials }),
    // Of a time without an end there is no date.
    ...(!Number.isNaN(expiresAt.getTime()) && { expiresAt }),
    entity,
    meta: { workbox: { timestamp, ...(metadata && { metadata }), request } },
  }
  const prepared = await prepareMutation(input, {
    base: url,
    now: () => Math.min(now, timestamp),
    newId,
    retry: { ...DEFAULT_RETRY, maxAgeMs: Math.max(maxRetentionMs, DEFAULT_RETRY.maxAgeMs) },
    loadRare: async () => ({ refuseInput, withRareTerms }),
  })
  return withOwnKey(prepared, headers)
}

const NOT_STORED = [...SECRET_HEADERS, 'idempotency-key']

/** An app that makes its own keys goes on with them. */
function withOwnKey(prepared: PreparedMutation, headers: Record<string, string>): PreparedMutation {
  const idempotencyKey = parseIdempotencyKey(headers['idempotency-key'] ?? '')
  return idempotencyKey === undefined ? prepared : { ...prepared, mutation: { ...prepared.mutation, idempotencyKey } }
}

/** The answer to such a request says nothing, not even whether there was one that means success. */
function assertReadableAnswer({ url, mode }: RequestData): void {
  const { origin } = globalThis.location ?? {}
  if (mode !== 'no-cors' || new URL(url).origin === origin) return
  throw invalidMutation(
    'it goes to another origin with the mode "no-cors", so that nobody could see whether it was done',
    'Let that server allow CORS, and make the request with the mode "cors".',
  )
}

/**
 * Makes the entry of a mutation. `apart`: its body, where that is stored apart. `key`: how the idempotency key travels, for
 * a request that the app will send by itself; a server that knows the key does it once, however often it arrives.
 */
export function toQueueEntry(
  mutation: Mutation,
  { apart, key }: { apart?: string | ArrayBuffer; key?: KeySettings },
): QueueEntry {
  const { timestamp, metadata, request } = workboxOf(mutation)
  const { url, method } = mutation
  const headers = Object.fromEntries([...mutation.headers, ...(key ? keyField(mutation, key) : [])])
  const body = apart ?? bytesOf(mutation)
  const data = { ...request, url, method, headers, ...(body !== undefined && { body }) }
  // Its own types know no text as a body; `Request`, to which it hands the body, does.
  const entry: QueueEntry = { request: new StorableRequest(data as never).toRequest(), timestamp }
  return metadata ? { ...entry, metadata } : entry
}

/** Another origin must let the header pass. */
function keyField({ id, idempotencyKey = id, url }: Mutation, { header, form, origins }: KeySettings) {
  const mayPass = [globalThis.location?.origin, ...origins].includes(new URL(url).origin)
  return mayPass ? [[header, form === 'bare' ? idempotencyKey : formatIdempotencyKey(idempotencyKey)]] : []
}

function bytesOf({ body }: Mutation): string | ArrayBuffer | undefined {
  if (body.kind === 'bytes') return body.bytes
  return body.kind === 'json' || body.kind === 'text' ? body.text : undefined
}

interface WorkboxMeta {
  timestamp: number
  metadata?: object
  request?: RequestInit
}

/** What a queue keeps in the `meta` of a mutation. A dead letter that was edited may have none. */
function workboxOf({ meta, createdAt }: Mutation): WorkboxMeta {
  return (meta?.workbox as WorkboxMeta | undefined) ?? { timestamp: createdAt }
}

/** The mutation with what the app says of the entry when it puts it back. */
export function withTerms(mutation: Mutation, { timestamp, metadata }: QueueEntry, maxRetentionMs: number): Mutation {
  const before = workboxOf(mutation)
  const workbox = {
    ...before,
    timestamp: timestamp ?? before.timestamp,
    ...(metadata && { metadata: structuredClone(metadata) }),
  }
  const { expiresAt: _old, ...rest } = mutation
  const expiresAt = workbox.timestamp + maxRetentionMs
  return { ...rest, meta: { ...mutation.meta, workbox }, ...(Number.isFinite(expiresAt) && { expiresAt }) }
}
