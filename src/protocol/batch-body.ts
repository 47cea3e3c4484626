import { isJsonObject } from './merge-patch.ts'

/** The content of a request or an answer. `base64` is for what is not text (RFC 4648, 4, with padding). */
export type BatchBody =
  | { kind: 'json'; json: unknown }
  | { kind: 'text'; text: string }
  | { kind: 'base64'; data: string }

/**
 * Puts the content of a body into a batch. It goes in as a JSON value only where the text that `fromBatchBody` makes of it
 * is the same to the byte, because an idempotency key stands for the bytes. What it is, its content type says.
 */
export function toBatchBody(content: string | ArrayBuffer | Uint8Array | undefined): BatchBody | undefined {
  if (content === undefined) return undefined
  if (typeof content !== 'string') return { kind: 'base64', data: encodeBase64(new Uint8Array(content)) }
  const json = parseJson(content)
  return JSON.stringify(json) === content ? { kind: 'json', json } : { kind: 'text', text: content }
}

/** The content that a body of a batch stands for: a value is `JSON.stringify`, without white space. */
export function fromBatchBody(body: BatchBody): string | Uint8Array<ArrayBuffer> {
  if (body.kind === 'json') return JSON.stringify(body.json)
  return body.kind === 'text' ? body.text : decodeBase64(body.data)
}

/** Whether something that was JSON is a body. It may have more members than a body has. */
export function isBatchBody(body: unknown): body is BatchBody {
  if (!isJsonObject(body)) return false
  const { kind, json, text, data } = body
  if (kind === 'json') return json !== undefined
  return kind === 'text' ? typeof text === 'string' : kind === 'base64' && isBase64(data)
}

/** What JSON has no word for, `undefined`, stands for a text that is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

// Browsers, workers and Node have both; the types of plain ECMAScript do not.
declare function atob(data: string): string
declare function btoa(data: string): string

export function encodeBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/** What `isBase64` has let pass. */
export function decodeBase64(data: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(data), char => char.charCodeAt(0))
}

/** Base64 as in RFC 4648, 4, with padding, and nothing else: `atob` would take white space too. */
export function isBase64(data: unknown): data is string {
  return typeof data === 'string' && data.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(data)
}
