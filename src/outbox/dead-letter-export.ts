import { encodeBase64 } from '../protocol/batch-body.ts'
import { entityOf, type Mutation, type StoredBody } from '../protocol/mutation.ts'
import type { Storage } from '../storage/open-storage.ts'
import { contentOf } from './dead-letter-edit.ts'
import { type FiledBody, type FiledLetter, toFile } from './dead-letter-file.ts'
import { encodeMeta } from './dead-letter-meta.ts'
import type { DeadRecord } from './dead-record.ts'
import { unanswered, withAnswer } from './resolve-references.ts'
import { type SettledRecord, settledKey } from './settled.ts'

export interface ExportContext {
  /** Whose letters. */
  principal: string | undefined
  now: number
}

/** Writes all dead letters of one principal into a file, as they are at one moment. */
export async function exportLetters(storage: Storage, { principal, now }: ExportContext): Promise<Blob> {
  const letters = await readAll(storage, principal)
  return toFile(await Promise.all(letters.map(toFiled)), now)
}

interface WholeLetter {
  record: DeadRecord
  /** With the answers in it that it refers to, as far as they are known: another device has no other way to know them. */
  mutation: Mutation
  content: string | ArrayBuffer | undefined
}

function readAll(storage: Storage, principal: string | undefined): Promise<WholeLetter[]> {
  return storage.transact(['dead', 'blobs', 'meta'], 'readonly', async tx => {
    const [blobs, meta] = [tx.objectStore('blobs'), tx.objectStore('meta')]
    const records: DeadRecord[] = await tx.objectStore('dead').getAll()
    const own = records.filter(({ mutation }) => mutation.principal === principal)
    const letters: WholeLetter[] = []
    for (const record of own.sort((a, b) => a.mutation.sequence - b.mutation.sequence)) {
      let { mutation } = record
      for (const id of unanswered(mutation)) {
        const ended: SettledRecord | undefined = await meta.get(settledKey(id))
        if (ended?.settlement.kind === 'confirmed') mutation = withAnswer(mutation, { id, body: ended.settlement.body })
      }
      const { body } = mutation
      letters.push({
        record,
        mutation,
        content: body.kind === 'apart' ? await blobs.get(body.blobKey) : contentOf(body),
      })
    }
    return letters
  })
}

/** Members that are undefined are no part of JSON. */
async function toFiled({ record, mutation, content }: WholeLetter): Promise<FiledLetter> {
  const { id, url, method, headers, credentials, priority, meta, onUncertain, answers } = mutation
  const { idempotencyKey, keyGiven, attempts, retry, lastError } = mutation
  const { reason, status, problem } = record
  return {
    id,
    url,
    method,
    headers,
    body: toBody(mutation.body, content),
    credentials,
    entity: entityOf(mutation),
    priority,
    meta: meta && (await encodeMeta(meta)),
    createdAt: toTime(mutation.createdAt),
    notBefore: mutation.notBefore === undefined ? undefined : toTime(mutation.notBefore),
    expiresAt: mutation.expiresAt === undefined ? undefined : toTime(mutation.expiresAt),
    onUncertain,
    answers,
    idempotencyKey,
    keyGiven,
    attempts,
    // Without end is Infinity here, which JSON writes as null.
    retry,
    lastError,
    reason,
    diedAt: toTime(record.diedAt),
    status,
    problem,
  }
}

function toTime(time: number): string {
  return new Date(time).toISOString()
}

function toBody(body: StoredBody, content: string | ArrayBuffer | undefined): FiledBody | undefined {
  if (body.kind === 'none') return undefined
  const kind = body.kind === 'apart' ? body.of : body.kind
  if (content === undefined) return { kind: 'lost', of: kind, size: body.kind === 'apart' ? body.size : 0 }
  if (typeof content !== 'string') return { kind: 'bytes', base64: encodeBase64(new Uint8Array(content)) }
  return { kind: kind === 'json' ? kind : 'text', text: content }
}
