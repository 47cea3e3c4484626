import { type BatchBody, flawOfBody } from './batch-body.ts'
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
  headers: Record<string, string>
  body?: BatchBody
}

/** `count` members, the first ones, are in `text`. `too-large`: not even the first one fits; it has to go alone. */
export type EncodedBatch = { kind: 'encoded'; text: string; count: number } | { kind: 'too-large' }

/**
 * Writes as many members as fit, from the first on.
 *
 * @example
 * encodeBatch([{ id: 'a1', method: 'POST', url: '/api/notes', headers: {}, body: { kind: 'json', json: { text: 'Fern' } } }])
 */
export function encodeBatch(members: readonly BatchMember[], limits: BatchLimits = BATCH_LIMITS): EncodedBatch {
  const written: string[] = []
  let size = FRAME.length
  for (const member of members.slice(0, limits.members)) {
    const text = JSON.stringify(member)
    size += utf8Length(text) + 1
    if (size > limits.bytes) break
    written.push(text)
  }
  if (written.length === 0 && members.length > 0) return { kind: 'too-large' }
  return { kind: 'encoded', text: FRAME.replace('[]', () => `[${written.join(',')}]`), count: written.length }
}

const FRAME = JSON.stringify({ version: BATCH_VERSION, requests: [] })

/** Writes the answers of a batch. */
export function encodeBatchAnswers(answers: readonly BatchAnswer[]): string {
  return JSON.stringify({ version: BATCH_VERSION, answers })
}

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
  const parsed = parseFrame(text, 'requests')
  if (parsed.kind === 'malformed') return parsed
  const unknown = unknownName(parsed.frame, ['version', 'requests'])
  if (unknown !== undefined) return malformed(`it has an unknown member "${unknown}"`)
  if (parsed.items.length > limits.members) return { kind: 'too-many' }
  const members: BatchMember[] = []
  const seen = new Set<string>()
  for (const [index, item] of parsed.items.entries()) {
    const reason = flawOfMember(item, seen)
    if (reason !== undefined) return malformed(`requests[${index}]: ${reason}`)
    members.push(toMember(item as BatchMember))
  }
  return { kind: 'batch', members }
}

export type ParsedBatchAnswer =
  /** `missing`: those without an answer; they were not processed, or it is not known, and are to be sent again. */
  { kind: 'answers'; answers: BatchAnswer[]; missing: string[] } | { kind: 'malformed'; reason: string }

/**
 * Reads the answer to a batch of these ids, on the client. Each id may have one answer, and no other id any. Where anything
 * is wrong the whole is malformed, since what is not known to be success is not success. Members of objects that the
 * specification does not know are left aside: they cannot change what has happened.
 */
export function parseBatchAnswer(text: string, ids: readonly string[]): ParsedBatchAnswer {
  const parsed = parseFrame(text, 'answers')
  if (parsed.kind === 'malformed') return parsed
  const missing = new Set(ids)
  const answers: BatchAnswer[] = []
  for (const [index, item] of parsed.items.entries()) {
    const reason = flawOfAnswer(item, missing)
    if (reason !== undefined) return malformed(`answers[${index}]: ${reason}`)
    answers.push(toAnswer(item as BatchAnswer))
  }
  return { kind: 'answers', answers, missing: [...missing] }
}

type ParsedFrame =
  | { kind: 'frame'; frame: Record<string, unknown>; items: unknown[] }
  | { kind: 'malformed'; reason: string }

function parseFrame(text: string, list: 'requests' | 'answers'): ParsedFrame {
  const frame = parseJson(text)?.json
  if (!isJsonObject(frame)) return malformed('it is not a JSON object')
  if (frame.version !== BATCH_VERSION) return malformed(`its version is not ${BATCH_VERSION}`)
  const items = frame[list]
  return Array.isArray(items) ? { kind: 'frame', frame, items } : malformed(`it has no list "${list}"`)
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
  if (typeof url !== 'string' || !PATH.test(url)) return 'its url is not a path'
  if (entity !== undefined && typeof entity !== 'string') return 'its entity is not a text'
  return flawOfHeaders(headers) ?? flawOfBody(body, { strict: true })
}

// One slash and not two, and no backslash, since both would name another host. No fragment: it is never sent. No blanks
// and controls, since URL parsers drop some of them.
const PATH = /^\/(?![/\\])[^\\#\s\p{Cc}]*$/u

/** What is wrong with an answer, in words. `missing` holds the ids without one, and loses this one. */
function flawOfAnswer(answer: unknown, missing: Set<string>): string | undefined {
  if (!isJsonObject(answer)) return 'it is not an object'
  const { id, status, headers, body } = answer
  if (typeof id !== 'string' || !missing.delete(id)) return 'its id was not asked for, or is there twice'
  if (!Number.isInteger(status) || Number(status) < 200 || Number(status) > 599) return 'its status is not 200 to 599'
  return flawOfHeaders(headers) ?? flawOfBody(body, { strict: false })
}

// Field names and values of RFC 9110, 5.1 and 5.5.
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

function flawOfHeaders(headers: unknown): string | undefined {
  if (!isJsonObject(headers)) return 'its headers are not an object'
  const names = Object.keys(headers)
  if (!names.every(name => FIELD_NAME.test(name))) return 'a name in its headers is none'
  if (new Set(names.map(name => name.toLowerCase())).size < names.length) return 'a header is there twice'
  const allText = Object.values(headers).every(value => typeof value === 'string' && FIELD_VALUE.test(value))
  return allText ? undefined : 'a value in its headers is none'
}

function toMember({ id, method, url, headers, body, entity }: BatchMember): BatchMember {
  return {
    id,
    method,
    url,
    headers: lowerCased(headers),
    ...(body !== undefined && { body }),
    ...(entity !== undefined && { entity }),
  }
}

function toAnswer({ id, status, headers, body }: BatchAnswer): BatchAnswer {
  return { id, status, headers: lowerCased(headers), ...(body !== undefined && { body }) }
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function unknownName(value: Record<string, unknown>, known: string[]): string | undefined {
  return Object.keys(value).find(name => !known.includes(name))
}

function malformed(reason: string) {
  return { kind: 'malformed', reason } as const
}

function parseJson(text: string): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** The length in UTF-8: TextEncoder is not everywhere that this module is, and would make a copy to count it. */
function utf8Length(text: string): number {
  let length = text.length
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    // Half of a pair: 4 bytes for the two of them. JSON.stringify leaves no other halves.
    if (unit >= 0xd800 && unit <= 0xdfff) length += 1
    else if (unit > 0x7ff) length += 2
    else if (unit > 0x7f) length += 1
  }
  return length
}
