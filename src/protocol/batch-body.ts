import { isJsonObject } from './merge-patch.ts'

/** The content of a request or an answer. `base64` is for what is not text (RFC 4648, 4, with padding). */
export type BatchBody =
  | { kind: 'json'; json: unknown }
  | { kind: 'text'; text: string }
  | { kind: 'base64'; data: string }

/**
 * Puts the content of a body into a batch. `isJson`: it is sent as JSON. It goes in as a value only where the text that
 * `fromBatchBody` makes of it is the same to the byte, because an idempotency key stands for the bytes.
 */
export function toBatchBody(
  content: string | ArrayBuffer | Uint8Array | undefined,
  isJson: boolean,
): BatchBody | undefined {
  if (content === undefined) return undefined
  if (typeof content !== 'string') return { kind: 'base64', data: encodeBase64(new Uint8Array(content)) }
  const value = isJson ? parseJson(content) : undefined
  if (value !== undefined && JSON.stringify(value.json) === content) return { kind: 'json', json: value.json }
  return { kind: 'text', text: content }
}

/** The content that a body of a batch stands for: a value is `JSON.stringify`, without white space. */
export function fromBatchBody(body: BatchBody): string | Uint8Array<ArrayBuffer> {
  if (body.kind === 'json') return JSON.stringify(body.json)
  return body.kind === 'text' ? body.text : decodeBase64(body.data)
}

/** What is wrong with a parsed body, in words. `strict`: it has no members but those of the specification. */
export function flawOfBody(body: unknown, { strict }: { strict: boolean }): string | undefined {
  if (body === undefined) return undefined
  const kind = isJsonObject(body) ? body.kind : undefined
  if (!isJsonObject(body) || !isBodyKind(kind)) return `its body is none of ${Object.keys(CONTENT_NAMES).join(', ')}`
  const name = CONTENT_NAMES[kind]
  const unknown = Object.keys(body).find(known => known !== 'kind' && known !== name)
  if (strict && unknown !== undefined) return `its body has an unknown member "${unknown}"`
  if (!Object.hasOwn(body, name)) return `its body has no "${name}"`
  if (kind === 'text' && typeof body.text !== 'string') return 'the text of its body is none'
  return kind === 'base64' && !isBase64(body.data) ? 'the data of its body is not base64' : undefined
}

const CONTENT_NAMES: Record<BatchBody['kind'], string> = { json: 'json', text: 'text', base64: 'data' }

function isBodyKind(kind: unknown): kind is BatchBody['kind'] {
  return typeof kind === 'string' && Object.hasOwn(CONTENT_NAMES, kind)
}

function parseJson(text: string): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) }
  } catch {
    return undefined
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let index = 0; index < bytes.length; index += 3) {
    const bits = ((bytes[index] ?? 0) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0)
    text += digit(bits >> 18) + digit(bits >> 12) + digit(bits >> 6) + digit(bits)
  }
  const padding = (3 - (bytes.length % 3)) % 3
  return padding === 0 ? text : text.slice(0, -padding) + '='.repeat(padding)
}

function digit(bits: number): string {
  return ALPHABET.charAt(bits & 63)
}

function isBase64(data: unknown): data is string {
  return typeof data === 'string' && data.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(data)
}

function decodeBase64(data: string): Uint8Array<ArrayBuffer> {
  const digits = data.replace(/=+$/, '')
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4))
  let bits = 0
  for (let index = 0; index < digits.length; index += 1) {
    bits = ((bits << 6) | ALPHABET.indexOf(digits.charAt(index))) & 0xffffff
    const place = index % 4
    if (place > 0) bytes[Math.floor(index / 4) * 3 + place - 1] = bits >> (6 - place * 2)
  }
  return bytes
}
