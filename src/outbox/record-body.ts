import type { StoredBody } from '../protocol/mutation.ts'

/** A body ready to be stored, with the headers that describe it. */
export interface RecordedBody {
  body: StoredBody
  headers: Headers
  /** The body itself, when it is stored apart from the record. */
  apart?: string
  /** Holds the body as it is now, where its bytes have to be read first. */
  request?: Request
}

interface RequestHead {
  url: string
  method: string
  headers: Headers
}

/** Bodies beyond this many bytes (or characters) are stored apart. */
export const INLINE_LIMIT = 64 * 1024

/**
 * Makes of the body of an input what every attempt will send, now: what the caller changes later is not in it. Nothing, or
 * an error, where it is no body that can be stored.
 */
export function recordBody(
  { json, body }: { json?: unknown; body?: BodyInit },
  { url, method, headers }: RequestHead,
): RecordedBody | undefined {
  if (json !== undefined) {
    const text: string | undefined = JSON.stringify(json)
    return body !== undefined || text === undefined ? undefined : textBody('json', text, headers, 'application/json')
  }
  if (body === undefined || body === null) return { body: { kind: 'none' }, headers }
  if (typeof body === 'string') return textBody('text', body, headers, 'text/plain;charset=UTF-8')
  if (!isReadable(body)) return undefined
  // `Request` itself finds the content type that belongs to a body, multipart boundary included.
  const request = new Request(url, { method, headers, body })
  return { body: { kind: 'none' }, headers: request.headers, request }
}

function textBody(kind: 'json' | 'text', text: string, headers: Headers, contentType: string): RecordedBody {
  if (!headers.has('content-type')) headers.set('content-type', contentType)
  return text.length <= INLINE_LIMIT
    ? { body: { kind, text }, headers }
    : { body: { kind: 'apart', of: kind, blobKey: '', size: text.length }, headers, apart: text }
}

/** A stream can be read only once, and a write may need several attempts. */
export function isReadable(body: unknown): body is Exclude<BodyInit, string | ReadableStream> {
  return ArrayBuffer.isView(body) || [URLSearchParams, FormData, Blob, ArrayBuffer].some(type => body instanceof type)
}
