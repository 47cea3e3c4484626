import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import {
  BATCH_LIMITS,
  BATCH_MEDIA_TYPE,
  BATCH_PROBLEM_TYPES,
  type BatchAnswer,
  type BatchLimits,
  type BatchMember,
  encodeBatchAnswers,
  parseBatchRequest,
} from '../protocol/batch.ts'
import { fromBatchBody, toBatchBody } from '../protocol/batch-body.ts'
import { HoldfastError } from '../protocol/errors.ts'
import { formatIdempotencyKey, IDEMPOTENCY_KEY_HEADER } from '../protocol/idempotency-key.ts'
import { type Answer, encodeAnswer, toResponse } from './answer.ts'
import { problem } from './problem.ts'
import { readBody } from './request-body.ts'

/** An endpoint that takes several writes in one request; see docs/batch-endpoint.md. */
export interface BatchOptions {
  /** Where it is: a path, without parameters. */
  path: string
  /** How much one request may hold. Default 100 members, and 1 MiB after decompression. */
  limits?: Partial<BatchLimits>
  /**
   * Header fields that a member may carry besides those of its content, its conditions and its preferences. Take care: what
   * a proxy in front of the server sets, checks or removes on requests, it does not see within a batch. Default: none.
   */
  fields?: string[]
  /** After this many milliseconds no further member is begun; the client sends the rest again. Default 10,000. */
  budgetMs?: number
}

type Fetch = (request: Request) => Response | Promise<Response>

/**
 * Puts a batch endpoint before a server. Each member is a request of its own to that server: its own transaction, its own
 * idempotency key, its own answer. They run one after the other, in the order of the batch, with the credentials of the
 * batch. The endpoint itself is not part of that server, so a batch in a batch finds nothing there.
 */
export function withBatch(fetch: Fetch, settings: BatchSettings): Fetch {
  return async request => {
    if (new URL(request.url).pathname !== settings.path) return await fetch(request)
    const response = await answerBatch(request, fetch, settings)
    // Tells the client that it may compress the next one (RFC 9110, 12.5.3). A 415 has it only where it is about this, so
    // that it is not taken for one about the content type (RFC 7694, 3).
    if (!isOtherType(request)) response.headers.set('accept-encoding', 'gzip')
    response.headers.set('cache-control', 'no-store')
    return response
  }
}

/** Options with their defaults. */
export interface BatchSettings {
  path: string
  limits: BatchLimits
  fields: ReadonlySet<string>
  budgetMs: number
}

/** Completes the options. Throws a `HoldfastError` of code `invalid-options` where the path is none. */
export function batchSettings(options: string | BatchOptions): BatchSettings {
  const { path, limits, fields = [], budgetMs = 10_000 } = typeof options === 'string' ? { path: options } : options
  assertPath(path)
  return {
    path,
    limits: { ...BATCH_LIMITS, ...limits },
    fields: new Set([...MEMBER_FIELDS, ...fields.map(name => name.toLowerCase())]),
    budgetMs,
  }
}

/** What belongs to one write. Who is asking, and for which site, is said by the batch alone. */
const MEMBER_FIELDS = [
  'content-type',
  'content-language',
  'accept',
  'accept-language',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'prefer',
]

async function answerBatch(request: Request, fetch: Fetch, settings: BatchSettings): Promise<Response> {
  const read = await readMembers(request, settings)
  if (read.kind === 'refused') return toResponse(encodeAnswer(read.answer))
  const { answers, cookies } = await runInOrder(read.members, request, fetch, settings)
  const response = new Response(encodeBatchAnswers(answers), { headers: { 'content-type': BATCH_MEDIA_TYPE } })
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}

type ReadMembers = { kind: 'members'; members: BatchMember[] } | Refused
type Refused = { kind: 'refused'; answer: Answer }

async function readMembers(request: Request, { limits, fields }: BatchSettings): Promise<ReadMembers> {
  const refusal = refuseHead(request)
  if (refusal) return { kind: 'refused', answer: refusal }
  const read = await readText(request, limits)
  if (read.kind === 'refused') return read
  const parsed = parseBatchRequest(read.text, limits)
  if (parsed.kind === 'malformed') return { kind: 'refused', answer: malformed(parsed.reason) }
  if (parsed.kind === 'too-many') return { kind: 'refused', answer: tooLarge(limits) }
  const field = parsed.members.flatMap(({ headers }) => Object.keys(headers)).find(name => !fields.has(name))
  return field === undefined
    ? { kind: 'members', members: parsed.members }
    : { kind: 'refused', answer: notTaken(field) }
}

function refuseHead(request: Request): Answer | undefined {
  const { method, headers } = request
  if (method !== 'POST') return problem(405, { title: 'A batch is sent with POST' }, { allow: 'POST' })
  // A form or a script of another site cannot send this type unless the server's CORS answers allow it.
  if (isOtherType(request)) return problem(415, { title: `A batch is ${BATCH_MEDIA_TYPE}` })
  const encoding = contentEncoding(headers)
  if (encoding === 'identity' || encoding === 'gzip') return undefined
  return problem(415, { title: 'Only gzip can be unpacked here' })
}

function isOtherType({ headers }: Request): boolean {
  return mediaType(headers) !== BATCH_MEDIA_TYPE
}

type ReadText = { kind: 'text'; text: string } | Refused

async function readText(request: Request, limits: BatchLimits): Promise<ReadText> {
  const body = await readBody(request, limits.bytes)
  if (body.kind === 'too-large') return { kind: 'refused', answer: tooLarge(limits) }
  // 408 and not 400: whoever still hears this, a proxy, may send it again.
  if (body.kind === 'cut-off')
    return { kind: 'refused', answer: problem(408, { title: 'The body did not arrive whole' }) }
  const unpacked = contentEncoding(request.headers) === 'gzip' ? await unpack(body.bytes, limits.bytes) : body.bytes
  if (unpacked === 'too-large') return { kind: 'refused', answer: tooLarge(limits) }
  const text = unpacked === 'malformed' ? undefined : decodeText(unpacked)
  return text === undefined ? { kind: 'refused', answer: malformed('it cannot be unpacked') } : { kind: 'text', text }
}

/** Unpacks what gzip packed, and stops where it passes the limit: a few kilobytes of it may hold gigabytes. */
async function unpack(bytes: Uint8Array, maxOutputLength: number): Promise<Uint8Array | 'too-large' | 'malformed'> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength })
  } catch (error) {
    const tooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    return tooLarge ? 'too-large' : 'malformed'
  }
}

interface Answers {
  answers: BatchAnswer[]
  cookies: string[]
}

async function runInOrder(
  members: BatchMember[],
  batch: Request,
  fetch: Fetch,
  settings: BatchSettings,
): Promise<Answers> {
  const end = performance.now() + settings.budgetMs
  const stopped = new Set<string>()
  const answers: BatchAnswer[] = []
  const cookies: string[] = []
  for (const member of members) {
    // The first one always runs, so that a client that sends the rest again comes to an end.
    if (answers.length > 0 && (performance.now() >= end || batch.signal.aborted)) break
    if (member.entity !== undefined && stopped.has(member.entity)) continue
    const response = await runMember(member, batch, fetch, settings)
    // What comes after it was meant for what it should have done.
    if (!response.ok && member.entity !== undefined) stopped.add(member.entity)
    cookies.push(...response.headers.getSetCookie())
    answers.push(await toBatchAnswer(member.id, response))
  }
  return { answers, cookies }
}

async function runMember(
  member: BatchMember,
  batch: Request,
  fetch: Fetch,
  { path }: BatchSettings,
): Promise<Response> {
  const request = toRequest(member, batch)
  return new URL(request.url).pathname === path ? toResponse(encodeAnswer(nested())) : await fetch(request)
}

/** The request that the client would have sent for this member alone. */
function toRequest({ id, method, url, headers: own, body }: BatchMember, batch: Request): Request {
  const headers = new Headers([...batch.headers].filter(([name]) => !OF_THE_BATCH.test(name)))
  for (const [name, value] of Object.entries(own)) headers.set(name, value)
  headers.set(IDEMPOTENCY_KEY_HEADER, formatIdempotencyKey(id))
  const content = body && fromBatchBody(body)
  // As bytes: for a text, Request would add a content type of its own, and the key would stand for another write.
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  return new Request(new URL(url, batch.url), { method, headers, body: bytes })
}

// What describes the body, the conditions and the connection of the batch, and not who sends it.
const OF_THE_BATCH = /^(?:content-.*|if-.*|accept-encoding|idempotency-key|prefer|expect|transfer-encoding|connection)$/

async function toBatchAnswer(id: string, response: Response): Promise<BatchAnswer> {
  const bytes = new Uint8Array(await response.arrayBuffer())
  const body = bytes.length === 0 ? undefined : toBatchBody(decodeText(bytes) ?? bytes)
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== 'set-cookie'))
  return { id, status: response.status, headers, ...(body && { body }) }
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function mediaType(headers: Headers): string {
  return (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

function contentEncoding(headers: Headers): string {
  const coding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  // The same under an old name (RFC 9110, 8.4.1.3).
  return coding === 'x-gzip' ? 'gzip' : coding
}

function assertPath(path: string): void {
  if (path.startsWith('/') && new URL(path, 'http://localhost').pathname === path) return
  throw new HoldfastError({
    code: 'invalid-options',
    action: 'make the server',
    reason: `its batch endpoint "${path}" is not a path`,
    hint: "Write it as batch: '/api/batch'.",
  })
}

function malformed(reason: string): Answer {
  return problem(400, { type: BATCH_PROBLEM_TYPES.malformed, title: 'The batch cannot be read', detail: reason })
}

function notTaken(field: string): Answer {
  return problem(400, {
    type: BATCH_PROBLEM_TYPES.fieldRefused,
    title: 'A member has a header field that is not taken in a batch',
    detail: `Send the write with "${field}" by itself, or add the field to batch.fields on the server.`,
    field,
  })
}

function tooLarge({ members, bytes }: BatchLimits): Answer {
  return problem(413, {
    type: BATCH_PROBLEM_TYPES.tooLarge,
    title: 'The batch is too large',
    detail: `At most ${members} members and ${bytes} bytes are taken.`,
    maxMembers: members,
    maxBytes: bytes,
  })
}

function nested(): Answer {
  return problem(400, { type: BATCH_PROBLEM_TYPES.nested, title: 'A batch cannot be sent in a batch' })
}
