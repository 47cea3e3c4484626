import type { Mutation } from '../protocol/mutation.ts'
import { placeOf } from '../protocol/queue-range.ts'
import type { DeadReason, SendOutcome, Settlement } from '../protocol/settlement.ts'
import { count, type Queue } from './change-queue.ts'
import type { DeadRecord } from './dead-record.ts'
import { keepAnswer } from './keep-answer.ts'
import { HELD_KEY, type HoldRecord } from './pause.ts'
import { PRINCIPAL_KEY } from './principal.ts'
import { putBack, takeOut } from './queue-moves.ts'
import { retryDelay } from './retry-delay.ts'
import type { SettledRecord } from './settled.ts'

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
  queue: Queue,
  leased: Mutation,
  ending: Ending,
  { now, random, keepsAnswers }: KeepingPorts,
): Promise<Settled> {
  const current = await currentOf(queue, leased)
  if (!current) return { kind: 'lost' }
  const at = now()
  const verdict = decide(leased, ending, at, random)
  if (verdict.kind === 'retry' || verdict.kind === 'held') {
    if (verdict.mutation.held) count(queue, leased, { held: 1 })
    await putBack(queue, verdict.mutation, at)
    if (verdict.kind === 'retry') return { kind: 'retry', nextAttemptAt: verdict.nextAttemptAt }
    if (verdict.hold) await hold(queue, leased, verdict.hold)
    return { kind: 'held' }
  }
  const end =
    verdict.kind === 'confirmed' ? { kind: verdict.kind, body: verdict.settlement.body } : { kind: verdict.kind }
  await Promise.all([
    takeOut(queue, leased, end, at),
    keepAnswer(queue, leased.id, settledRecord(verdict, at), { whole: keepsAnswers }),
    verdict.kind === 'dead' ? bury(queue, verdict.dead) : forgetBody(queue, leased),
  ])
  return { kind: verdict.kind }
}

/** The answer was about whoever sent it. Where somebody else uses the app by now, it says nothing about that one. */
async function hold({ tx }: Queue, { principal }: Mutation, record: HoldRecord): Promise<void> {
  const meta = tx.objectStore('meta')
  if ((await meta.get(PRINCIPAL_KEY)) === principal) await meta.put(record, HELD_KEY)
}

/** Notes that a request leaves the device now; false where the lease is somebody else's. */
export async function noteBegin(queue: Queue, leased: Mutation): Promise<boolean> {
  const current = await currentOf(queue, leased)
  if (!current?.lease) return false
  const lease = { ...current.lease, begun: true as const }
  await queue.tx.objectStore('mutations').put({ ...current, lease }, current.key)
  return true
}

/** Ends a lease under which nothing was tried. With `until`, it is not to be claimed before that time. */
export async function release(queue: Queue, leased: Mutation, now: number, until?: number): Promise<void> {
  if (!(await currentOf(queue, leased))) return
  const mutation = released(leased)
  await putBack(queue, until === undefined ? mutation : { ...mutation, nextAttemptAt: until }, now)
}

async function bury(queue: Queue, dead: DeadRecord): Promise<void> {
  await queue.tx.objectStore('dead').put(dead, dead.mutation.id)
  count(queue, dead.mutation, { dead: 1 })
}

async function currentOf({ tx, sending }: Queue, { key, lease }: Mutation): Promise<Mutation | undefined> {
  const current: Mutation | undefined = sending ? sending.get(key) : await tx.objectStore('mutations').get(key)
  return current && placeOf(current.key) === 'sending' && current.lease?.token === lease?.token ? current : undefined
}

async function forgetBody({ tx }: Queue, { body }: Mutation): Promise<void> {
  if (body.kind === 'apart') await tx.objectStore('blobs').delete(body.blobKey)
}

type Verdict =
  | { kind: 'confirmed'; settlement: Extract<Settlement, { kind: 'confirmed' }> }
  | { kind: 'dead'; dead: DeadRecord }
  | { kind: 'retry'; mutation: Mutation; nextAttemptAt: number }
  /** With `hold`, the whole queue; else this one alone. */
  | { kind: 'held'; mutation: Mutation; hold?: HoldRecord }

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
  if (ending.uncertain && mutation.onUncertain === 'hold')
    return { kind: 'held', mutation: { ...mutation, held: true } }
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

function settledRecord(verdict: Exclude<Verdict, { kind: 'retry' | 'held' }>, now: number): SettledRecord {
  if (verdict.kind === 'confirmed') return { at: now, settlement: verdict.settlement }
  const { reason, status, problem } = verdict.dead
  return { at: now, settlement: { kind: 'dead', reason, status, problem } }
}
