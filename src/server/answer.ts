/** What a handler answers: a status, and the rest where there is something to say. `json` becomes the body. */
export interface Answer {
  status: number
  json?: unknown
  headers?: Record<string, string>
}

/** An answer as bytes: what is sent, and what is stored to be sent again. */
export interface EncodedAnswer {
  status: number
  headers: Record<string, string>
  body: Uint8Array<ArrayBuffer> | null
}

/** Turns an answer into bytes, once. A replay must be equal to the byte, so it is never encoded a second time. */
export function encodeAnswer({ status, json, headers = {} }: Answer): EncodedAnswer {
  const fields = new Headers(headers)
  const text = json === undefined ? undefined : JSON.stringify(json)
  if (text !== undefined && !fields.has('content-type')) fields.set('content-type', 'application/json')
  return {
    status,
    headers: Object.fromEntries(fields),
    body: text === undefined ? null : new TextEncoder().encode(text),
  }
}

export function toResponse({ status, headers, body }: EncodedAnswer): Response {
  return new Response(body, { status, headers })
}
