import { owned, whyFull } from '../src/outbox/append-context.ts'
import { changeQueue, type Queue } from '../src/outbox/change-queue.ts'
import { layOut } from '../src/outbox/lay-out.ts'
import type { PreparedMutation } from '../src/outbox/mutation-input.ts'
import { retryDelay } from '../src/outbox/retry-delay.ts'
import type { CaptureRule } from '../src/protocol/capture.ts'
import type { Storage } from '../src/storage/open-storage.ts'
import type { FailedAttempt } from './capture-attempt.ts'
import { writeCoalescing } from './capture-join.ts'
import { type CaptureContext, findKnownIn, type Known } from './capture-lookup.ts'
import { orUnless } from './capture-patience.ts'
import { type Keyed, prepareWrite, type ReadWrite, type WriteTerms } from './capture-write.ts'

export interface Kept extends Keyed {
  write: ReadWrite
  terms: WriteTerms
  rule: CaptureRule
  /** Nothing where it was not sent, because others of its entity wait. */
  failed: FailedAttempt | undefined
}

export interface StorePorts {
  storage: Storage
  context: CaptureContext
  random: () => number
  /** Aborted when nobody wants it any more, or has the patience. Where storing has begun by then it is stored. */
  signal: AbortSignal
}

/** The write as it waits now: under another id where another one took it in, or it is on record already. */
export interface Stored extends Known {
  /** The mutations that have ended by it, because two writes that waited cancel each other out. */
  ended: string[]
}

/**
 * Stores a write, with the attempt that it has behind it. Resolves when it is on the device; rejects as `mutate()` does, and
 * with the reason of the signal, and then nothing is stored.
 */
export async function store(kept: Kept, { storage, context, random, signal }: StorePorts): Promise<Stored> {
  const { write, key, terms, rule, failed } = kept
  const prepared = prepareWrite(write, key, terms, { retry: rule.retry, context })
  const item = owned(failed ? afterAttempt(prepared, failed, { now: context.now(), random }) : prepared, context)
  const unlimited = Number.POSITIVE_INFINITY
  const limits = { mutations: unlimited, bytes: unlimited, ...rule.limits }
  const appendContext = { principal: context.principal, limits }
  let hasBegun = false
  const begin = () => {
    signal.throwIfAborted()
    hasBegun = true
  }
  const storing = item.coalesce
    ? joinOrAppend(storage, item, appendContext, context.now(), begin)
    : changeQueue(storage, async queue => {
        begin()
        const known = await findKnownIn(queue.tx, kept.sameAs)
        if (known) return { ...known, ended: [] }
        return append(queue, item, appendContext, context.now())
      })
  return orUnless(storing, signal, () => hasBegun)
}

type AppendContext = Parameters<typeof whyFull>[1]

/** Within the one transaction that also says what is counted, as `createAppend` does for many. */
async function append(queue: Queue, item: PreparedMutation, context: AppendContext, now: number): Promise<Stored> {
  const { entity = '', id } = item.mutation
  const [mutations, blobs] = [queue.tx.objectStore('mutations'), queue.tx.objectStore('blobs')]
  const first = await mutations.index('entity').getKey(IDBKeyRange.bound([entity], [entity, []]))
  const taken = new Set(first === undefined ? [] : [entity])
  const { records, counters } = layOut([item], { counters: queue.counters, taken }, now)
  const full = whyFull(counters, context)
  if (full) throw full
  queue.counters = counters
  for (const record of records) {
    await mutations.put(record, record.key)
    if (item.apart !== undefined && record.body.kind === 'apart') await blobs.put(item.apart, record.body.blobKey)
  }
  return { id, state: 'waiting', ended: [] }
}

async function joinOrAppend(
  storage: Storage,
  item: PreparedMutation,
  context: AppendContext,
  now: number,
  begin: () => void,
): Promise<Stored> {
  begin()
  const [appended] = await writeCoalescing(storage, [item], context, now)
  return { state: 'waiting', id: item.mutation.id, ended: [], ...appended }
}

/** The attempt counts, and what the server asked for holds. */
function afterAttempt(
  prepared: PreparedMutation,
  { outcome, startedAt }: FailedAttempt,
  { now, random }: { now: number; random: () => number },
): PreparedMutation {
  const { code, message, status, costsAttempt, retryAfterMs } = outcome
  const { retry: policy } = prepared.mutation
  const mutation = {
    ...prepared.mutation,
    attempts: costsAttempt ? 1 : 0,
    failures: 1,
    lastAttemptAt: startedAt,
    nextAttemptAt: now + retryDelay({ failures: 1, policy, random, retryAfterMs }),
    lastError: { code, message, ...(status !== undefined && { status }) },
  }
  return { ...prepared, mutation }
}
