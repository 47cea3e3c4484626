import type { Appended } from '../src/outbox/append.ts'
import { owned } from '../src/outbox/append-context.ts'
import type { PreparedMutation } from '../src/outbox/mutation-input.ts'
import { retryDelay } from '../src/outbox/retry-delay.ts'
import type { FailedAttempt } from './capture-attempt.ts'
import type { CaptureContext } from './capture-lookup.ts'
import { prepareWrite, type ReadWrite, type WriteKey, type WriteTerms } from './capture-write.ts'

export interface Kept {
  write: ReadWrite
  key: WriteKey
  terms: WriteTerms
  /** Nothing where it was not sent, because others of its entity wait. */
  failed: FailedAttempt | undefined
}

export interface StorePorts {
  append: (item: PreparedMutation) => Promise<Appended>
  context: CaptureContext
  random: () => number
}

/** Stores a write, with the attempt that it has behind it. Resolves when it is on the device; rejects as `mutate()` does. */
export async function store({ write, key, terms, failed }: Kept, { append, context, random }: StorePorts) {
  const prepared = await prepareWrite(write, key, terms, context)
  const item = failed ? afterAttempt(prepared, failed, { now: context.now(), random }) : prepared
  return append(owned(item, context))
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
