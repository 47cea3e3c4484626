import { BATCH_MEDIA_TYPE, parseBatchRequest } from '../../protocol/batch.ts'
import { fromBatchBody } from '../../protocol/batch-body.ts'
import type { Route, ServerRequest } from './server-model.ts'
import { BATCH_ENDPOINT } from './write-input.ts'

/** One request on its way: one write, or a batch of them. */
export interface Parcel {
  origin: string
  members: ServerRequest[]
  isBatch: boolean
  /** For the trace. */
  label: string
}

/** Which write a key stands for. */
export type NumberOf = (key: string) => number | undefined

/** Reads what a context gives to `fetch`, as the server will. A batch is read by the specification's own code. */
export function readParcel(url: string, { method = 'GET', headers, body }: RequestInit, numberOf: NumberOf): Parcel {
  const sent = new Headers(headers)
  const text = textOf(body as string | ArrayBuffer | undefined)
  const { origin } = new URL(url)
  const token = sent.get('authorization') ?? undefined
  if (url === BATCH_ENDPOINT) return { origin, ...readBatch(text, sent, { origin, token, numberOf }) }
  const key = sent.get('idempotency-key')?.replaceAll('"', '')
  const one = readOne({ url, method, text, type: sent.get('content-type'), key, token }, numberOf)
  return { origin, members: [one], isBatch: false, label: key ?? `write ${one.number}` }
}

interface BatchTerms {
  origin: string
  token: string | undefined
  numberOf: NumberOf
}

function readBatch(text: string, sent: Headers, { origin, token, numberOf }: BatchTerms): Omit<Parcel, 'origin'> {
  const parsed = parseBatchRequest(text)
  if (parsed.kind !== 'batch' || sent.get('content-type') !== BATCH_MEDIA_TYPE) {
    throw new Error(`Not a batch as specified: ${JSON.stringify(parsed)}`)
  }
  const members = parsed.members.map(({ id, method, url, headers, body }) => {
    const content = body === undefined ? '' : textOf(fromBatchBody(body))
    const type = headers['content-type'] ?? null
    return readOne({ url: origin + url, method, text: content, type, key: id, token }, numberOf)
  })
  return { members, isBatch: true, label: `batch of ${members.map(({ key }) => key).join(', ')}` }
}

interface Sent {
  url: string
  method: string
  text: string
  type: string | null
  key: string | undefined
  token: string | undefined
}

function readOne({ url, method, text, type, key, token }: Sent, numberOf: NumberOf): ServerRequest {
  const { writes, entity, fields, ref } = JSON.parse(text) as {
    writes: Record<string, 1>
    entity?: string
    fields: Record<string, unknown>
    ref?: unknown
  }
  const numbers = Object.keys(writes).map(Number)
  const { origin, pathname: path } = new URL(url)
  return {
    key,
    token,
    ref,
    entity,
    fields,
    origin,
    method,
    path,
    writes: numbers,
    number: (key === undefined ? undefined : numberOf(key)) ?? numbers[0] ?? -1,
    route: path.split('/')[1] as Route,
    // Long bodies are told apart by their length and their beginning.
    fingerprint: [method, url, type, text.length, text.slice(0, 200)].join(' '),
  }
}

function textOf(body: string | ArrayBuffer | Uint8Array | undefined): string {
  return typeof body === 'string' ? body : new TextDecoder().decode(body)
}
