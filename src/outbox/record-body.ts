import { StorableRequest } from 'workbox-background-sync/StorableRequest.js'
import type { StoredBody } from '../protocol/mutation.ts'
import { invalidMutation } from './invalid-mutation.ts'

/** A body ready to be stored, with the headers that describe it. */
export interface RecordedBody {
  body: StoredBody
  headers: Headers
  /** The body itself, when it is stored apart from the record. */
  apart?: string | ArrayBuffer
}

interface RequestHead {
  url: string
  method: string
  headers: Headers
}

/** Bodies beyond this many bytes (or characters) are stored apart. */
const INLINE_LIMIT = 64 * 1024

/**
 * Turns the body of an input into the bytes that every attempt will send. Text answers at once; what must be read first
 * (FormData, Blob) answers with a promise.
 */
export function recordBody(
  { json, body }: { json?: unknown; body?: BodyInit },
  head: RequestHead,
): RecordedBody | Promise<RecordedBody> {
  if (json !== undefined && body !== undefined) {
    throw invalidMutation('it has both json and body', 'Pass one of them.')
  }
  if (json !== undefined) return textBody('json', serialise(json), head.headers, 'application/json')
  if (body === undefined || body === null) return { body: { kind: 'none' }, headers: head.headers }
  if (typeof body === 'string') return textBody('text', body, head.headers, 'text/plain;charset=UTF-8')
  assertReadable(body)
  return readBody(body, head)
}

function serialise(json: unknown): string {
  const text = stringify(json)
  if (text !== undefined) return text
  throw invalidMutation(`its json is a ${typeof json}`, 'Pass a value that JSON can hold.')
}

function stringify(json: unknown): string | undefined {
  try {
    return JSON.stringify(json)
  } catch (cause) {
    throw invalidMutation(
      `its json cannot be written as JSON (${cause instanceof Error ? firstLine(cause.message) : String(cause)})`,
      'Pass plain data without cycles and BigInt.',
      cause,
    )
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}

function textBody(kind: 'json' | 'text', text: string, headers: Headers, contentType: string): RecordedBody {
  if (!headers.has('content-type')) headers.set('content-type', contentType)
  if (text.length <= INLINE_LIMIT) return { body: { kind, text }, headers }
  return { body: { kind: 'apart', of: kind, blobKey: '', size: text.length }, headers, apart: text }
}

function assertReadable(body: unknown): asserts body is Exclude<BodyInit, string | ReadableStream> {
  if (typeof ReadableStream !== 'undefined' && body instanceof ReadableStream) {
    throw invalidMutation(
      'its body is a stream, which can be read only once, and a write may need several attempts',
      'Read it first: { body: await new Response(stream).blob() }.',
    )
  }
  const known = [URLSearchParams, FormData, Blob, ArrayBuffer]
  if (known.some(type => body instanceof type) || ArrayBuffer.isView(body)) return
  throw invalidMutation(
    `its body is ${nameOf(body)}`,
    'Pass an object as json, or one of the bodies that fetch() takes.',
  )
}

function nameOf(body: unknown): string {
  return typeof body === 'object' ? (body?.constructor?.name ?? 'an object') : `a ${typeof body}`
}

/**
 * Workbox's own conversion of a request into something storable: it reads the bytes and keeps the content type that
 * belongs to them, multipart boundary included.
 */
async function readBody(body: BodyInit, { url, method, headers }: RequestHead): Promise<RecordedBody> {
  const stored = await storable(new Request(url, { method, headers, body }))
  const bytes = stored.body ?? new ArrayBuffer(0)
  const described = new Headers(stored.headers)
  return bytes.byteLength <= INLINE_LIMIT
    ? { body: { kind: 'bytes', bytes }, headers: described }
    : { body: { kind: 'apart', of: 'bytes', blobKey: '', size: bytes.byteLength }, headers: described, apart: bytes }
}

async function storable(request: Request): Promise<{ body?: ArrayBuffer; headers: Record<string, string> }> {
  try {
    const { body, headers } = (await StorableRequest.fromRequest(request)).toObject()
    return { body: body as ArrayBuffer | undefined, headers: headers ?? {} }
  } catch (cause) {
    throw invalidMutation(
      'its body could not be read',
      'If it holds a file, ask for the file again: it may have been moved or changed.',
      cause,
    )
  }
}
