import type { Mutation } from '../protocol/mutation.ts'
import type { Queue } from './change-queue.ts'
import { resolveReferences, unanswered, withAnswer } from './resolve-references.ts'
import { type SettledRecord, settledKey } from './settled.ts'

/** What goes to the server: nothing in it is up to anything any more. */
export interface SendableRequest {
  url: string
  headers: readonly (readonly [name: string, value: string])[]
  body: string | ArrayBuffer | undefined
}

export type ReadRequest =
  | { kind: 'sendable'; request: SendableRequest }
  | { kind: 'unsendable'; reason: 'body-lost' | 'reference-lost' }

/** Reads the request of a mutation, with the answers in it that it refers to. */
export async function readRequest(queue: Queue, mutation: Mutation): Promise<ReadRequest> {
  const { url, headers } = mutation
  const body = await readBody(queue, mutation)
  // An empty body in place of the one that was given would be another write.
  if (body === undefined && mutation.body.kind !== 'none') return { kind: 'unsendable', reason: 'body-lost' }
  if (!mutation.references) return { kind: 'sendable', request: { url, headers, body } }
  const { kind } = mutation.body
  const isJson = kind === 'json' || (mutation.body.kind === 'apart' && mutation.body.of === 'json')
  const resolved = resolveReferences({ url, headers, body, isJson }, await withAnswers(queue, mutation))
  return resolved.ok ? { kind: 'sendable', request: resolved } : { kind: 'unsendable', reason: 'reference-lost' }
}

/** Those that were given before this mutation was recorded are on record by themselves. */
async function withAnswers(queue: Queue, mutation: Mutation): Promise<Mutation> {
  let answered = mutation
  for (const id of unanswered(mutation)) {
    const record: SettledRecord | undefined = await queue.tx.objectStore('meta').get(settledKey(id))
    if (record?.settlement.kind === 'confirmed') answered = withAnswer(answered, { id, body: record.settlement.body })
  }
  return answered
}

async function readBody(queue: Queue, { body }: Mutation): Promise<string | ArrayBuffer | undefined> {
  if (body.kind === 'json' || body.kind === 'text') return body.text
  if (body.kind === 'bytes') return body.bytes
  return body.kind === 'apart' ? queue.tx.objectStore('blobs').get(body.blobKey) : undefined
}
