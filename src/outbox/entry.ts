import {
  type AttemptError,
  type BlockReason,
  entityOf,
  type Mutation,
  type MutationState,
} from '../protocol/mutation.ts'
import type { DeadReason, Problem } from '../protocol/settlement.ts'
import type { DeadRecord } from './dead-record.ts'
import { type ReadBlob, readBody } from './entry-body.ts'
import { INTERRUPTED } from './recover.ts'

/** A mutation as people and apps see it: a plain copy, never the stored record. */
export interface OutboxEntry {
  id: string
  url: string
  method: string
  /** As the app called it. */
  entity?: string
  priority: number
  meta?: Record<string, unknown>
  /** `held`: an attempt may have arrived, and a person says whether it is sent again; see `outbox.retry()`. */
  state: MutationState
  createdAt: Date
  /** Answers that asked for another attempt; being offline costs none. */
  attempts: number
  nextAttemptAt?: Date
  lastError?: AttemptError
  /** Why it will not go on by itself: a mutation that it depends on was cancelled, or is a dead letter. */
  blockedBy?: { id: string; reason: BlockReason }
  /** What was given as `json`, unless it is so large that it is stored apart; `body()` has it then. */
  json?: unknown
  /** The bytes that every attempt sends, with their media type. */
  body(): Promise<Blob>
}

/** A mutation that cannot be delivered as it is. It stays until a person retries or discards it. */
export type DeadLetter = OutboxEntry & { reason: DeadReason; status?: number; problem?: Problem; diedAt: Date }

/** Makes the entry of a stored mutation. `now`: milliseconds since the epoch. */
export function toEntry(mutation: Mutation, now: number, readBlob: ReadBlob): OutboxEntry {
  const { id, url, method, priority, meta, createdAt, attempts, nextAttemptAt, body } = mutation
  const entity = entityOf(mutation)
  const lastError = mutation.lastError ?? interruption(mutation, now)
  const entry: OutboxEntry = {
    id,
    url,
    method,
    priority,
    state: stateOf(mutation, now),
    createdAt: new Date(createdAt),
    attempts,
    body: () => readBody(mutation, readBlob),
  }
  if (entity !== undefined) entry.entity = entity
  if (meta !== undefined) entry.meta = meta
  if (nextAttemptAt !== undefined) entry.nextAttemptAt = new Date(nextAttemptAt)
  if (lastError !== undefined) entry.lastError = lastError
  if (mutation.blockedBy !== undefined) entry.blockedBy = mutation.blockedBy
  if (body.kind === 'json') entry.json = JSON.parse(body.text)
  return entry
}

function stateOf({ lease, held, blockedBy, waitsFor }: Mutation, now: number): MutationState {
  if (lease && lease.until > now) return 'sending'
  if (held) return 'held'
  return blockedBy || waitsFor ? 'blocked' : 'waiting'
}

/** The sender was killed before it could say how its attempt ended, and nobody has taken over yet. */
function interruption({ lease }: Mutation, now: number): AttemptError | undefined {
  return !lease || lease.until > now ? undefined : { code: 'interrupted', message: INTERRUPTED }
}

/** Makes the dead letter of its record. */
export function toDeadLetter(record: DeadRecord, now: number, readBlob: ReadBlob): DeadLetter {
  const { mutation, reason, status, problem, diedAt } = record
  return {
    ...toEntry(mutation, now, readBlob),
    reason,
    diedAt: new Date(diedAt),
    ...(status !== undefined && { status }),
    ...(problem !== undefined && { problem }),
  }
}
