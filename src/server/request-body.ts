/** The bytes of a body, or why there are none: over the limit, or the sender went away in the middle. */
export type BodyRead =
  | { kind: 'complete'; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'too-large' }
  | { kind: 'cut-off' }

/** Reads a body whole, and gives up as soon as it passes the limit, announced or not. */
export async function readBody(request: Request, maxBytes: number): Promise<BodyRead> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return { kind: 'too-large' }
  try {
    return await collect(request.body, maxBytes)
  } catch {
    return { kind: 'cut-off' }
  }
}

async function collect(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<BodyRead> {
  const chunks: Uint8Array[] = []
  let length = 0
  for (const reader = body?.getReader(); reader; ) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.byteLength
    if (length > maxBytes) {
      await reader.cancel()
      return { kind: 'too-large' }
    }
    chunks.push(value)
  }
  return { kind: 'complete', bytes: concat(chunks, length) }
}

function concat(chunks: Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}
