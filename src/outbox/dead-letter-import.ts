import { decodeBase64 } from '../protocol/batch-body.ts'
import { isHoldfastError } from '../protocol/errors.ts'
import { isJsonObject } from '../protocol/merge-patch.ts'
import { entityKey, type Mutation, type NewMutation, type StoredBody } from '../protocol/mutation.ts'
import { keyAt } from '../protocol/queue-key.ts'
import type { Storage } from '../storage/open-storage.ts'
import { changeQueue, count, type Queue } from './change-queue.ts'
import { reasonOf } from './dead-letter-edit.ts'
import { type FiledBody, type FiledLetter, invalidLetter } from './dead-letter-file.ts'
import { decodeMeta } from './dead-letter-meta.ts'
import type { DeadRecord } from './dead-record.ts'
import { type MutationInput, prepareMutation } from './mutation-input.ts'
import * as rareInput from './rare-input.ts'
import { INLINE_LIMIT } from './record-body.ts'
import type { RetryPolicy } from './retry-policy.ts'
import { cancelledKey, settledKey } from './settled.ts'

export interface ImportContext {
  /** Whose they are from now on. */
  principal: string | undefined
  now: number
  newId: () => string
}

export interface Imported {
  ids: string[]
  skipped: number
}

/**
 * Adds the letters of a file to the dead letters, in one transaction. Their places in the order are new ones, behind all
 * that this device has taken so far, and among each other as in the file: the old ones mean nothing here.
 */
export async function importLetters(
  storage: Storage,
  letters: readonly FiledLetter[],
  context: ImportContext,
): Promise<Imported> {
  const read: ReadLetter[] = []
  for (const [index, letter] of letters.entries()) read.push(await readLetter(letter, index, context))
  return changeQueue(storage, async queue => {
    const imported: Imported = { ids: [], skipped: 0 }
    for (const letter of read) {
      const { id } = letter.mutation
      if (await isKnown(queue, id)) imported.skipped += 1
      else {
        await put(queue, letter, context.now)
        imported.ids.push(id)
      }
    }
    return imported
  })
}

interface ReadLetter extends Omit<DeadRecord, 'mutation'> {
  mutation: NewMutation
  /** The body, where it is stored apart. */
  content?: string | ArrayBuffer
}

/** Checks what is to be sent as `mutate()` would: nothing comes in by a file that could not come in by the app. */
async function readLetter(letter: FiledLetter, index: number, context: ImportContext): Promise<ReadLetter> {
  try {
    const retry = policyOf(letter)
    const loadRare = async () => rareInput
    const ports = { base: letter.url, now: () => timeOf(letter.createdAt), newId: () => letter.id, retry, loadRare }
    const { mutation } = await prepareMutation(inputOf(letter), ports)
    const { reason, status, problem } = letter
    const { body, content } = bodyOf(letter.body, context.newId)
    return {
      mutation: { ...owned(mutation, context.principal), ...historyOf(letter), body },
      reason,
      diedAt: timeOf(letter.diedAt),
      ...(status !== undefined && { status }),
      ...(problem !== undefined && { problem }),
      ...(content !== undefined && { content }),
    }
  } catch (error) {
    if (!isHoldfastError(error) || error.code !== 'invalid-mutation') throw error
    throw invalidLetter(index, reasonOf(error), error)
  }
}

/** Of the bodies only JSON, which may hold references; all of them are taken over to the byte. */
function inputOf({ url, method, headers, body, credentials, entity, priority, ...letter }: FiledLetter): MutationInput {
  const meta = letter.meta === undefined ? undefined : decodeMeta(letter.meta)
  return {
    url,
    method,
    headers,
    credentials,
    entity,
    priority,
    onUncertain: letter.onUncertain,
    attempts: letter.retry.attempts,
    ...(body?.kind === 'json' && { json: JSON.parse(body.text) }),
    ...(isJsonObject(meta) && { meta }),
    ...(letter.notBefore !== undefined && { notBefore: new Date(letter.notBefore) }),
    ...(letter.expiresAt !== undefined && { expiresAt: new Date(letter.expiresAt) }),
  }
}

function owned(mutation: NewMutation, principal: string | undefined): NewMutation {
  const { entity } = mutation
  if (principal === undefined) return mutation
  return { ...mutation, principal, ...(entity !== undefined && { entity: entityKey(entity, principal) }) }
}

/** The fence says that it was attempted: a server may have it, so that nothing must be joined with it. */
function historyOf(letter: FiledLetter): Partial<NewMutation> & { fence: 1 } {
  const { attempts, lastError, answers, idempotencyKey, keyGiven } = letter
  return {
    attempts,
    fence: 1,
    ...(lastError && { lastError }),
    ...(answers && { answers }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(keyGiven && { keyGiven }),
  }
}

function policyOf({ retry: { attempts, baseMs, capMs, maxAgeMs } }: FiledLetter): RetryPolicy {
  const span = (ms: number | null) => ms ?? Number.POSITIVE_INFINITY
  return { attempts, baseMs: span(baseMs), capMs: span(capMs), maxAgeMs: span(maxAgeMs) }
}

function timeOf(text: string): number {
  return Date.parse(text)
}

function bodyOf(
  body: FiledBody | undefined,
  newId: () => string,
): { body: StoredBody; content?: string | ArrayBuffer } {
  if (!body) return { body: { kind: 'none' } }
  const apart = (of: 'json' | 'text' | 'bytes', size: number) =>
    ({ kind: 'apart', of, blobKey: `body:${newId()}`, size }) as const
  if (body.kind === 'lost') return { body: apart(body.of, body.size) }
  if (body.kind === 'bytes') {
    const { buffer } = decodeBase64(body.base64)
    if (buffer.byteLength <= INLINE_LIMIT) return { body: { kind: 'bytes', bytes: buffer } }
    return { body: apart('bytes', buffer.byteLength), content: buffer }
  }
  const { kind, text } = body
  return text.length <= INLINE_LIMIT ? { body: { kind, text } } : { body: apart(kind, text.length), content: text }
}

async function isKnown({ tx }: Queue, id: string): Promise<boolean> {
  const meta = tx.objectStore('meta')
  const found = await Promise.all([
    tx.objectStore('mutations').index('id').getKey(id),
    tx.objectStore('dead').getKey(id),
    ...[settledKey(id), cancelledKey(id), importedKey(id)].map(key => meta.getKey(key)),
  ])
  return found.some(key => key !== undefined)
}

/**
 * The key of the record of `meta` that says that a letter came by a file. It is not forgotten: once the answer of what was
 * retried is, the same file must not bring it back.
 */
function importedKey(id: string): string {
  return `imported:${id}`
}

async function put(queue: Queue, { mutation, content, ...end }: ReadLetter, now: number): Promise<void> {
  const { tx } = queue
  const sequence = queue.counters.appended + 1
  queue.counters = { ...queue.counters, appended: sequence }
  const placed: Mutation = { ...mutation, sequence, key: keyAt({ ...mutation, sequence }, { in: 'blocked' }) }
  const record: DeadRecord = { ...end, mutation: placed }
  await tx.objectStore('dead').put(record, placed.id)
  await tx.objectStore('meta').put(now, importedKey(placed.id))
  if (content !== undefined && placed.body.kind === 'apart') {
    await tx.objectStore('blobs').put(content, placed.body.blobKey)
  }
  count(queue, placed, { dead: 1 })
}
