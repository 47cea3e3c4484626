import type { Mutation } from '../protocol/mutation.ts'
import { placeOf } from '../protocol/queue-range.ts'
import type { DeadReason, SendOutcome, Settlement } from '../protocol/settlement.ts'
import type { DeadRecord } from './dead-record.ts'
import { HELD_KEY, type HoldRecord } from './pause.ts'
import { putBack, type QueueTransaction, takeOut } from './queue-moves.ts'
import { retryDelay } from './retry-delay.ts'
import { LAST_SYNC_KEY, type SettledRecord, settledKey } from './settled.ts'

/** What became of a mutation, once the outcome is on record. `lost`: somebody else holds it now; nothing was changed. */
export type Settled =
  | { kind: 'confirmed' }
  | { kind: 'dead' }
  | { kind: 'retry'; nextAttemptAt: number }
  | { kind: 'held' }
  | { kind: 'lost' }

export interface SettlePorts {
  now: () => number
  random: () => number
}

export interface KeepingPorts extends SettlePorts {
  /** Whether the answer is kept for the page that waits for it; where there is no room, the end alone is recorded. */
  keepsAnswers: boolean
}

/** How an attempt ended, or why none was made. */
export type Ending = SendOutcome | { kind: 'unsendable'; reason: DeadReason }

/**
 * Records how an attempt ended. The mutation leaves the queue in this transaction and no other, and only for the holder
 * of its present lease: a settlement that comes late changes nothing.
 */
export async function settleIn(
  tx: QueueTransaction,
  leased: Mutation,
  ending: Ending,
  { now, random, keepsAnswers }: KeepingPorts,
): Promise<Settled> {
  const current = await currentOf(tx, leased)
  if (!current) return { kind: 'lost' }
  const at = now()
  const verdict = decide(leased, ending, at, random)
  if (verdict.kind === 'retry') {
    await putBack(tx, verdict.mutation, at)
    return { kind: 'retry', nextAttemptAt: verdict.nextAttemptAt }
  }
  if (verdict.kind === 'held') {
    await putBack(tx, verdict.mutation, at)
    await tx.objectStore('meta').put(verdict.hold, HELD_KEY)
    return { kind: 'held' }
  }
  await takeOut(tx, leased, verdict.kind, at)
  const record = settledRecord(verdict, at)
  await tx.objectStore('meta').put(keepsAnswers ? record : bare(record), settledKey(leased.id))
  if (verdict.kind === 'dead') await tx.objectStore('dead').put(verdict.dead, leased.id)
  else await confirm(tx, leased, at)
  return { kind: verdict.kind }
}

/** Ends a lease under which nothing was tried. */
export async function release(tx: QueueTransaction, leased: Mutation, now: number): Promise<void> {
  if (!(await currentOf(tx, leased))) return
  await putBack(tx, released(leased), now)
}

async function currentOf(tx: QueueTransaction, leased: Mutation): Promise<Mutation | undefined> {
  const current: Mutation | undefined = await tx.objectStore('mutations').get(leased.key)
  return current && placeOf(current.key) === 'sending' && current.lease?.token === leased.lease?.token
    ? current
    : undefined
}

async function confirm(tx: QueueTransaction, { body }: Mutation, now: number): Promise<void> {
  await tx.objectStore('meta').put(now, LAST_SYNC_KEY)
  if (body.kind === 'apart') await tx.objectStore('blobs').delete(body.blobKey)
}

type Verdict =
  | { kind: 'confirmed'; settlement: Settlement }
  | { kind: 'dead'; dead: DeadRecord }
  | { kind: 'retry'; mutation: Mutation; nextAttemptAt: number }
  | { kind: 'held'; mutation: Mutation; hold: HoldRecord }

function decide(leased: Mutation, ending: Ending, now: number, random: () => number): Verdict {
  if (ending.kind === 'confirmed') return { kind: 'confirmed', settlement: ending }
  if (ending.kind === 'unsendable') {
    return { kind: 'dead', dead: { mutation: released(leased), reason: ending.reason, diedAt: now } }
  }
  const mutation = afterFailure(leased, ending)
  if (ending.kind === 'hold') return { kind: 'held', mutation, hold: { at: now, status: ending.status } }
  const reason = deathOf(mutation, ending)
  if (reason) {
    return { kind: 'dead', dead: { mutation, reason, diedAt: now, status: ending.status, problem: ending.problem } }
  }
  const { failures, retry: policy } = mutation
  const retryAfterMs = ending.kind === 'retry' ? ending.retryAfterMs : undefined
  const nextAttemptAt = now + retryDelay({ failures, policy, random, retryAfterMs })
  return { kind: 'retry', mutation: { ...mutation, nextAttemptAt }, nextAttemptAt }
}

type Failure = Exclude<SendOutcome, { kind: 'confirmed' }>

function afterFailure(leased: Mutation, failure: Failure): Mutation {
  const mutation = released(leased)
  mutation.attempts += failure.costsAttempt ? 1 : 0
  mutation.failures += 1
  mutation.lastError = {
    code: failure.kind === 'retry' ? failure.code : 'status',
    message: failure.message,
    ...(failure.status !== undefined && { status: failure.status }),
  }
  return mutation
}

function deathOf(mutation: Mutation, failure: Failure): DeadReason | undefined {
  if (failure.kind === 'refused' || failure.kind === 'conflict') return failure.kind
  return mutation.attempts >= mutation.retry.attempts ? 'attempts-exhausted' : undefined
}

function released({ lease: _ended, ...mutation }: Mutation): Mutation {
  return mutation
}

/** How it ended, without what the server said. */
function bare({ at, settlement }: SettledRecord): SettledRecord {
  if (settlement.kind !== 'confirmed') return { at, settlement }
  return { at, settlement: { ...settlement, headers: {}, body: undefined } }
}

function settledRecord(verdict: Exclude<Verdict, { kind: 'retry' | 'held' }>, now: number): SettledRecord {
  if (verdict.kind === 'confirmed') return { at: now, settlement: verdict.settlement }
  const { reason, status, problem } = verdict.dead
  return { at: now, settlement: { kind: 'dead', reason, status, problem } }
}
