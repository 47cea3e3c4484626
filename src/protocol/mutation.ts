import type { ErrorCode } from './errors.ts'

export const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE'] as const

export type MutationMethod = (typeof METHODS)[number]

/**
 * The bytes that every attempt sends. They are fixed when the mutation is recorded: a multipart boundary that changed
 * between two attempts would make another payload under the same idempotency key, which a server must refuse (422).
 */
export type StoredBody =
  | { kind: 'none' }
  | { kind: 'json'; text: string }
  | { kind: 'text'; text: string }
  | { kind: 'bytes'; bytes: ArrayBuffer }
  /** Over 64 KiB, or with files: apart in `blobs`, so that reading the queue does not read them. */
  | { kind: 'apart'; of: 'json' | 'text' | 'bytes'; blobKey: string; size: number }

/** Who is sending a mutation now, and until when it is believed without a word. */
export interface Lease {
  holder: string
  /** Grows by one at each claim; a settlement with an older one changes nothing. */
  token: number
  /** Milliseconds since the epoch. */
  until: number
  /** Its holder has no drain lock: whoever gets the lock does not know it dead. */
  unlocked?: true
  /** Its request may have left the device. Noted for those alone that must not be sent twice unasked. */
  begun?: true
}

export interface AttemptError {
  code: ErrorCode
  status?: number
  message: string
}

/**
 * One record of the store `mutations`. `key` is its key there, and says where in the queue it is: see `keyAt`.
 */
export interface Mutation {
  version: 1
  /** UUID v7; also the idempotency key of every attempt. */
  id: string
  key: string
  /** Its place among all mutations that this outbox ever took, from 1; the order of the calls. */
  sequence: number
  url: string
  method: MutationMethod
  headers: [name: string, value: string][]
  body: StoredBody
  credentials?: 'include' | 'omit' | 'same-origin'
  /** Whose it is; left out where the app names nobody. It is sent only while this is the one who uses the app. */
  principal?: string
  /** With the principal in it, see `entityKey`: two people's things are two things, whatever they are called. */
  entity?: string
  /** From -10000 to 10000, higher first. */
  priority: number
  meta?: Record<string, unknown>
  /** Milliseconds since the epoch, as all times here. */
  createdAt: number
  notBefore?: number
  expiresAt?: number
  /** The mutations that it must wait for, as far as they are not confirmed. */
  waitsFor?: string[]
  /** Why it will not go on by itself: one that it waits for was cancelled, or is a dead letter. */
  blockedBy?: { id: string; reason: BlockReason }
  /** It waits for a person to say whether it is to be sent again: an attempt may have arrived, and this one must not twice. */
  held?: true
  onUncertain?: 'hold'
  /** What it takes from the answers of others: each the id of a mutation, and a JSON Pointer (RFC 6901) into its answer. */
  references?: [parentId: string, pointer: string][]
  /** What those point to, by id and pointer; of a mutation whose answer is known, what is not there is left out. */
  answers?: Record<string, Record<string, unknown>>
  /** In place of the id, where a person has edited it: another payload under the old key is what servers must refuse. */
  idempotencyKey?: string
  /** The app itself gave that key, as the value of the header: it is sent as it was, whatever the settings say. */
  keyGiven?: true
  /** Attempts that the server answered and that count; being offline costs none. */
  attempts: number
  /** Attempts in a row that came to nothing, offline ones too: the exponent of the backoff. */
  failures: number
  lastAttemptAt?: number
  nextAttemptAt?: number
  /** The policy in force when it was recorded: the worker has no other way to know it. */
  retry: { attempts: number; baseMs: number; capMs: number; maxAgeMs: number }
  lastError?: AttemptError
  /** The token of the last lease, kept after it ended so that tokens never repeat. */
  fence: number
  lease?: Lease
}

export type BlockReason = 'parent-dead' | 'parent-cancelled'

/** How an entity is called in the records of a principal. */
export function entityKey(entity: string, principal: string | undefined): string {
  return principal === undefined ? entity : `\u0001${principal}\u0001${entity}`
}

/** How the app calls the entity of a record. */
export function entityOf({ entity, principal }: Pick<Mutation, 'entity' | 'principal'>): string | undefined {
  return principal === undefined ? entity : entity?.slice(principal.length + 2)
}

/** What the body of a mutation takes on the device, in bytes or characters. */
export function sizeOf({ body }: Pick<Mutation, 'body'>): number {
  if (body.kind === 'apart') return body.size
  if (body.kind === 'bytes') return body.bytes.byteLength
  return body.kind === 'none' ? 0 : body.text.length
}

/** What a mutation is before the outbox gives it its place. */
export type NewMutation = Omit<Mutation, 'key' | 'sequence'>

export type MutationState = 'waiting' | 'sending' | 'held' | 'blocked'

/** Priorities go from -10000 to 10000. */
export const PRIORITY_RANGE = 10_000
