import { createHash } from 'node:crypto'
import type { EncodedAnswer } from './answer.ts'
import type { Database, Queryable } from './database.ts'

/** What makes a write the one that it is: the key, whose key it is, and what was asked for. */
export interface WriteIdentity {
  /** Keys of one scope do not meet those of another: an account, a tenant, or `''` for all. */
  scope: string
  key: string
  /** See `fingerprintOf`. */
  fingerprint: string
}

/** `reused`: the key belongs to another write. Otherwise the answer; `replayed` when the effect happened before. */
export type WriteOutcome = { kind: 'answered'; answer: EncodedAnswer; replayed: boolean } | { kind: 'reused' }

/** The table of the keys and their answers. Rows are kept until the application removes them, by `created_at`. */
export const IDEMPOTENCY_TABLE = `
  create table if not exists holdfast_idempotency (
    scope text not null,
    key text not null,
    fingerprint text not null,
    status integer,
    headers text,
    body bytea,
    created_at timestamptz not null default now(),
    primary key (scope, key)
  )`

/**
 * Runs a write exactly once per scope and key: the key, the effect of `work` and its answer are committed in one
 * transaction, or none of them is.
 *
 * The policy, as draft-ietf-httpapi-idempotency-key-header-07 asks a server to publish it: the same key with the same
 * fingerprint gets the stored answer, to the byte. The same key with another fingerprint is `reused`. A duplicate that
 * arrives while the first still runs waits for it, then gets its answer. An answer of 400 or more means that nothing
 * happened: it is rolled back and not stored, so that the same key may be sent again. What `work` throws is rolled back
 * and thrown.
 */
export async function runOnce(
  database: Database,
  identity: WriteIdentity,
  work: (tx: Queryable) => Promise<EncodedAnswer>,
): Promise<WriteOutcome> {
  return await database.transaction(async tx => {
    if (!(await claim(tx, identity))) return await recall(tx, identity)
    const answer = await work(tx)
    if (isEffect(answer)) await store(tx, identity, answer)
    return { kind: 'answered', answer, replayed: false }
  }, isKept)
}

/** Says whether an answer stands for something that happened. */
export function isEffect({ status }: EncodedAnswer): boolean {
  return status < 400
}

/** What a write asks for, as a SHA-256 over method, path and query, content type, and the bytes of the body. */
export function fingerprintOf(request: Request, body: Uint8Array): string {
  const { pathname, search } = new URL(request.url)
  const head = JSON.stringify([request.method, pathname + search, request.headers.get('content-type')])
  return createHash('sha256').update(head).update('\n').update(body).digest('hex')
}

// The unique index makes a duplicate wait here until the first transaction ends: committed, it finds the row; rolled
// back, the duplicate is the first.
async function claim(tx: Queryable, { scope, key, fingerprint }: WriteIdentity): Promise<boolean> {
  const rows = await tx.query(
    `insert into holdfast_idempotency (scope, key, fingerprint) values ($1, $2, $3)
     on conflict (scope, key) do nothing returning key`,
    [scope, key, fingerprint],
  )
  return rows.length === 1
}

interface StoredRow {
  fingerprint: string
  status: number
  headers: string
  body: Uint8Array | null
}

async function recall(tx: Queryable, { scope, key, fingerprint }: WriteIdentity): Promise<WriteOutcome> {
  const [row] = await tx.query<StoredRow>(
    'select fingerprint, status, headers, body from holdfast_idempotency where scope = $1 and key = $2',
    [scope, key],
  )
  if (!row) throw new Error('The stored answer of an idempotency key was removed while it was asked for')
  if (row.fingerprint !== fingerprint) return { kind: 'reused' }
  const body = row.body && new Uint8Array(row.body)
  return { kind: 'answered', answer: { status: row.status, headers: JSON.parse(row.headers), body }, replayed: true }
}

async function store(tx: Queryable, { scope, key }: WriteIdentity, answer: EncodedAnswer): Promise<void> {
  await tx.query('update holdfast_idempotency set status = $3, headers = $4, body = $5 where scope = $1 and key = $2', [
    scope,
    key,
    answer.status,
    JSON.stringify(answer.headers),
    answer.body,
  ])
}

function isKept(outcome: WriteOutcome): boolean {
  return outcome.kind === 'answered' && isEffect(outcome.answer)
}
