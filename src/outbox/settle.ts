import type { Mutation } from '../protocol/mutation.ts'
import type { DeadReason, SendOutcome, Settlement } from '../protocol/settlement.ts'
import type { Storage } from '../storage/open-storage.ts'
import type { DeadRecord } from './dead-record.ts'
import { retryDelay } from './retry-delay.ts'
import { LAST_SYNC_KEY, type SettledRecord, settledKey } from './settled.ts'

/** What became of a mutation, once the outcome is on record. `lost`: somebody else holds it now; nothing was changed. */
export type Settled =
  | { kind: 'confirmed' }
  | { kind: 'dead' }
  | { kind: 'retry'; nextAttemptAt: number }
  | { kind: 'lost' }

export interface SettlePorts {
  now: () => number
  random: () => number
}

/**
 * Records the outcome of an attempt. The mutation leaves the queue in this transaction and no other, and only for the
 * holder of its present lease: a settlement that comes late changes nothing.
 */
export function settle(
  storage: Storage,
  leased: Mutation,
  outcome: SendOutcome,
  { now, random }: SettlePorts,
): Promise<Settled> {
  const verdict = decide(leased, outcome, now(), random)
  return apply(storage, leased, verdict, now())
}

/** Makes a dead letter of a mutation under lease that cannot be sent at all. */
export function bury(storage: Storage, leased: Mutation, reason: DeadReason, now: number): Promise<Settled> {
  return apply(storage, leased, { kind: 'dead', dead: { mutation: released(leased), reason, diedAt: now } }, now)
}

type Verdict =
  | { kind: 'confirmed'; settlement: Settlement }
  | { kind: 'dead'; dead: DeadRecord }
  | { kind: 'retry'; mutation: Mutation; nextAttemptAt: number }

function decide(leased: Mutation, outcome: SendOutcome, now: number, random: () => number): Verdict {
  if (outcome.kind === 'confirmed') return { kind: 'confirmed', settlement: outcome }
  const answered = outcome.kind === 'refused' || outcome.code === 'status'
  const mutation = released(leased)
  mutation.attempts += answered ? 1 : 0
  mutation.failures += 1
  mutation.lastError = {
    code: outcome.kind === 'refused' ? 'status' : outcome.code,
    message: outcome.message,
    ...(outcome.status !== undefined && { status: outcome.status }),
  }
  const reason = deathOf(mutation, outcome)
  if (reason) {
    return { kind: 'dead', dead: { mutation, reason, diedAt: now, status: outcome.status, problem: outcome.problem } }
  }
  const { failures, retry: policy } = mutation
  const floor = outcome.kind === 'retry' ? outcome.retryAfterMs : undefined
  const nextAttemptAt = now + retryDelay({ failures, policy, random, retryAfterMs: floor })
  return { kind: 'retry', mutation: { ...mutation, nextAttemptAt }, nextAttemptAt }
}

function deathOf(mutation: Mutation, outcome: SendOutcome): DeadReason | undefined {
  if (outcome.kind === 'refused') return 'refused'
  return mutation.attempts >= mutation.retry.attempts ? 'attempts-exhausted' : undefined
}

function released({ lease: _ended, ...mutation }: Mutation): Mutation {
  return mutation
}

function apply(storage: Storage, leased: Mutation, verdict: Verdict, now: number): Promise<Settled> {
  return storage.transact(
    ['mutations', 'dead', 'blobs', 'meta'],
    'readwrite',
    async tx => {
      const mutations = tx.objectStore('mutations')
      const current: Mutation | undefined = await mutations.get(leased.key)
      if (current?.lease?.token !== leased.lease?.token || !current) return { kind: 'lost' }

      if (verdict.kind === 'retry') {
        await mutations.put(verdict.mutation, leased.key)
        return { kind: 'retry', nextAttemptAt: verdict.nextAttemptAt }
      }
      const meta = tx.objectStore('meta')
      await Promise.all([
        mutations.delete(leased.key),
        meta.put(settledRecord(verdict, now), settledKey(leased.id)),
        ...(verdict.kind === 'confirmed'
          ? [meta.put(now, LAST_SYNC_KEY), ...blobKeys(leased).map(key => tx.objectStore('blobs').delete(key))]
          : [tx.objectStore('dead').put(verdict.dead, leased.id)]),
      ])
      return { kind: verdict.kind }
    },
    // What is lost here to a power cut is sent again under the same key, which the server knows.
    { durability: 'relaxed' },
  )
}

function blobKeys({ body }: Mutation): string[] {
  return body.kind === 'apart' ? [body.blobKey] : []
}

function settledRecord(verdict: Exclude<Verdict, { kind: 'retry' }>, now: number): SettledRecord {
  if (verdict.kind === 'confirmed') return { at: now, settlement: verdict.settlement }
  const { reason, status, problem } = verdict.dead
  return { at: now, settlement: { kind: 'dead', reason, status, problem } }
}
