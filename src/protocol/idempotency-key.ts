/** The request field that tells the server which writes are one and the same, however often they arrive. */
export const IDEMPOTENCY_KEY_HEADER = 'Idempotency-Key'

/** The response field that says: this is the stored answer, and the effect did not happen again. */
export const IDEMPOTENCY_REPLAYED_HEADER = 'Idempotency-Replayed'

const MAX_LENGTH = 255

/**
 * Writes a key as the value of the `Idempotency-Key` field: a String of RFC 9651, always in double quotes.
 *
 * Only printable ASCII can travel in such a field, and at most 255 characters of it are accepted; anything else throws a
 * `RangeError`. Source: draft-ietf-httpapi-idempotency-key-header-07.
 *
 * @example
 * formatIdempotencyKey('0190b3c4') // '"0190b3c4"'
 */
export function formatIdempotencyKey(id: string): string {
  if (!isAcceptable(id)) throw new RangeError('An idempotency key is 1 to 255 printable ASCII characters')
  return `"${id.replace(/["\\]/g, '\\$&')}"`
}

/**
 * Reads the value of an `Idempotency-Key` field. Besides the quoted String of the draft it accepts the bare value that
 * many clients send. `undefined` means that it is no key: empty, over 255 characters, with characters that are not
 * printable ASCII, or with quotes that do not match. Source: draft-ietf-httpapi-idempotency-key-header-07.
 *
 * @example
 * parseIdempotencyKey('"0190b3c4"') // '0190b3c4'
 * parseIdempotencyKey('0190b3c4') // '0190b3c4'
 */
export function parseIdempotencyKey(value: string): string | undefined {
  const trimmed = value.trim()
  const key = trimmed.startsWith('"') ? unquote(trimmed) : trimmed
  return key !== undefined && isAcceptable(key) ? key : undefined
}

// Parameters after the String ("…";v=1) are allowed by RFC 9651 for every Item, and mean nothing here.
function unquote(value: string): string | undefined {
  const quoted = /^"((?:[^"\\]|\\["\\])*)"\s*(?:;.*)?$/.exec(value)?.[1]
  return quoted?.replace(/\\(["\\])/g, '$1')
}

function isAcceptable(key: string): boolean {
  return key.length <= MAX_LENGTH && /^[\x20-\x7e]+$/.test(key) && key.trim() !== ''
}
