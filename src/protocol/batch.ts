import { type BatchBody, isBatchBody, parseJson } from './batch-body.ts'
import { parseIdempotencyKey } from './idempotency-key.ts'
import { isJsonObject } from './merge-patch.ts'
import { METHODS, type MutationMethod } from './mutation.ts'

/**
 * The wire shape of a batch: several writes in one request, with one answer for each. `docs/batch-endpoint.md` specifies
 * it for servers in any language; this module writes and reads it, for both sides.
 */
export const BATCH_MEDIA_TYPE = 'application/vnd.holdfast.batch+json'

const BATCH_VERSION = 1

export interface BatchLimits {
  members: number
  /** Of the body as UTF-8, uncompressed. */
  bytes: number
}

/** What a server takes unless it says otherwise, and what a client keeps to. */
export const BATCH_LIMITS: BatchLimits = { members: 100, bytes: 1024 * 1024 }

/** The problem types of the endpoint itself. The answers of the members have their own. */
export const BATCH_PROBLEM_TYPES = {
  /** 400: the body does not follow the specification. */
  malformed: 'urn:problem-type:holdfast:batch-malformed',
  /** 400: a member has a header field that this server does not take within a batch. */
  fieldRefused: 'urn:problem-type:holdfast:batch-field-refused',
  /** 413: too many members, or too many bytes. `maxMembers` and `maxBytes` say what fits. */
  tooLarge: 'urn:problem-type:holdfast:batch-too-large',
  /** 400, as the answer of a member: it is addressed to a batch endpoint. */
  nested: 'urn:problem-type:holdfast:batch-nested',
} as const

/** One write of a batch. */
export interface BatchMember {
  /** Also its idempotency key. */
  id: string
  method: MutationMethod
  /** Path and query on the server's own origin. */
  url: string
  /** Names in lower case. Neither the key nor anything about who is asking: that is said once, by the batch. */
  headers: Record<string, string>
  body?: BatchBody
  /** Members with the same one are done in order, and none after one that failed. */
  entity?: string
}

/** What became of one write. */
export interface BatchAnswer {
  id: string
  /** 200 to 599. */
  status: number
  /** Names in any case. */
  headers: Record<string, string>
  body?: BatchBody
}

/** `count` members, the first ones, are in `text`. 0: not even the first one fits; it has to go alone. */
export interface EncodedBatch {
  text: string
  count: number
}

/**
 * Writes as many members as fit, from the first on. It takes each UTF-16 unit for three bytes, the most that it can be in
 * UTF-8: to count them would take a copy, and a batch is for small members.
 *
 * @example
 * encodeBatch([{ id: 'a1', method: 'POST', url: '/api/notes', headers: {}, body: { kind: 'json', json: { text: 'Fern' } } }])
 */
export function encodeBatch(members: readonly BatchMember[], limits: BatchLimits = BATCH_LIMITS): EncodedBatch {
  const written: string[] = []
  const frame = (list: string) => `{"version":${BATCH_VERSION},"requests":[${list}]}`
  let room = limits.bytes / 3 - frame('').length
  for (const member of members.slice(0, limits.members)) {
    const text = JSON.stringify(member)
    room -= text.length + 1
    if (room < 0) break
    written.push(text)
  }
  return { text: frame(written.join()), count: written.length }
}

/** Writes the answers of a batch. */
export function encodeBatchAnswers(answers: readonly BatchAnswer[]): string {
  return JSON.stringify({ version: BATCH_VERSION, answers })
}

/**
 * Reads the answer to a batch of these ids, on the client. Each id may have one answer, and no other id any; those without
 * one were not processed, or it is not known, and are to be sent again. Where anything is wrong there is no answer at all,
 * since what is not known to be success is not success. Members of objects that the specification does not know are left
 * aside: they cannot change what has happened.
 */
export function parseBatchAnswer(text: string, ids: readonly string[]): Map<string, BatchAnswer> | undefined {
  const open = new Set(ids)
  const answers = itemsOf(parseJson(text), 'answers')
  if (!answers?.every((answer): answer is BatchAnswer => isAnswer(answer) && open.delete(answer.id))) return undefined
  return new Map(answers.map(answer => [answer.id, answer]))
}

function isAnswer(answer: unknown): answer is BatchAnswer {
  if (!isJsonObject(answer)) return false
  const { id, status, headers, body } = answer
  return (
    typeof id === 'string' &&
    Number.isInteger(status) &&
    Number(status) >= 200 &&
    Number(status) < 600 &&
    isHeaders(headers) &&
    (body === undefined || isBatchBody(body))
  )
}

/** The list in the frame of either direction. */
function itemsOf(frame: unknown, list: 'requests' | 'answers'): unknown[] | undefined {
  if (!isJsonObject(frame) || frame.version !== BATCH_VERSION) return undefined
  const items = frame[list]
  return Array.isArray(items) ? items : undefined
}

/** Names to values as in RFC 9110, 5.1 and 5.5, and no name twice, whatever its case. */
function isHeaders(headers: unknown): headers is Record<string, string> {
  if (!isJsonObject(headers)) return false
  const fields = Object.entries(headers)
  return (
    new Set(fields.map(([name]) => name.toLowerCase())).size === fields.length &&
    fields.every(([name, value]) => FIELD_NAME.test(name) && typeof value === 'string' && FIELD_VALUE.test(value))
  )
}

const FIELD_NAME = /^[\w!#$%&'*+.^`|~-]+$/
const FIELD_VALUE = /^[\t -~\x80-\xff]*$/

export type ParsedBatchRequest =
  | { kind: 'batch'; members: BatchMember[] }
  | { kind: 'malformed'; reason: string }
  | { kind: 'too-many' }

/**
 * Reads a batch, on the server. Strictly: what it does not know may change what is to be done, so a member of any object
 * that is not in the specification makes the whole batch malformed.
 */
export function parseBatchRequest(
  text: string,
  limits: Pick<BatchLimits, 'members'> = BATCH_LIMITS,
): ParsedBatchRequest {
  const frame = parseJson(text)
  const items = itemsOf(frame, 'requests')
  if (!items) return malformed(`it is not { "version": ${BATCH_VERSION}, "requests": [] }`)
  const unknown = unknownName(frame, ['version', 'requests'])
  if (unknown !== undefined) return malformed(`it has an unknown member "${unknown}"`)
  if (items.length > limits.members) return { kind: 'too-many' }
  const members: BatchMember[] = []
  const seen = new Set<string>()
  for (const [index, item] of items.entries()) {
    const reason = flawOfMember(item, seen)
    if (reason !== undefined) return malformed(`requests[${index}]: ${reason}`)
    members.push(toMember(item as BatchMember))
  }
  return { kind: 'batch', members }
}

const MEMBER_NAMES = ['id', 'method', 'url', 'headers', 'body', 'entity']

/** What is wrong with a member, in words. `seen` holds the ids before it, and gets this one. */
function flawOfMember(member: unknown, seen: Set<string>): string | undefined {
  if (!isJsonObject(member)) return 'it is not an object'
  const { id, method, url, headers, body, entity } = member
  const unknown = unknownName(member, MEMBER_NAMES)
  if (unknown !== undefined) return `it has an unknown member "${unknown}"`
  if (typeof id !== 'string' || parseIdempotencyKey(id) !== id)
    return 'its id is not 1 to 255 printable ASCII characters'
  if (seen.has(id)) return 'its id was there before'
  seen.add(id)
  if (!METHODS.some(known => known === method)) return `its method is none of ${METHODS.join(', ')}`
  if (typeof url !== 'string' || !isBatchPath(url)) return 'its url is not a path'
  if (entity !== undefined && typeof entity !== 'string') return 'its entity is not a text'
  if (!isHeaders(headers)) return 'its headers are not names, each once, with values'
  return body === undefined ? undefined : flawOfBody(body)
}

/**
 * Whether a batch can hold a write to this path and query. One slash and not two, and no backslash, since both would name
 * another host. No fragment: it is never sent. No blanks and controls, since URL parsers drop some of them.
 */
export function isBatchPath(url: string): boolean {
  return /^\/(?![/\\])[^\\#\s\p{Cc}]*$/u.test(url)
}

function flawOfBody(body: unknown): string | undefined {
  if (!isBatchBody(body))
    return 'its body is not { kind: "json", json }, { kind: "text", text } or { kind: "base64", data }'
  const unknown = unknownName(body, ['kind', body.kind === 'base64' ? 'data' : body.kind])
  return unknown === undefined ? undefined : `its body has an unknown member "${unknown}"`
}

function toMember({ id, method, url, headers, body, entity }: BatchMember): BatchMember {
  return {
    id,
    method,
    url,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    ...(body !== undefined && { body }),
    ...(entity !== undefined && { entity }),
  }
}

function unknownName(value: unknown, known: string[]): string | undefined {
  return Object.keys(value as object).find(name => !known.includes(name))
}

function malformed(reason: string) {
  return { kind: 'malformed', reason } as const
}
