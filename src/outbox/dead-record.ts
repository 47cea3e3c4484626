import { HoldfastError } from '../protocol/errors.ts'
import type { Mutation } from '../protocol/mutation.ts'
import type { DeadReason, Problem } from '../protocol/settlement.ts'
import { count, type Queue } from './change-queue.ts'
import { forgetAnswer } from './keep-answer.ts'

/** One record of the store `dead`, under the id of its mutation. Its body, when apart, stays in `blobs`. */
export interface DeadRecord {
  mutation: Mutation
  reason: DeadReason
  /** Milliseconds since the epoch. */
  diedAt: number
  status?: number
  problem?: Problem
}

export interface TakeOptions {
  /** Whose it must be. */
  principal: string | undefined
  /** What is to be done with it, as it continues "Failed to". */
  action: string
}

/** Takes a dead letter out of the store, and forgets that it was an end. Rejects with `not-found`. */
export async function takeDead(queue: Queue, id: string, { principal, action }: TakeOptions): Promise<DeadRecord> {
  const dead = queue.tx.objectStore('dead')
  const record: DeadRecord | undefined = await dead.get(id)
  if (!record || record.mutation.principal !== principal) throw noDeadLetter(id, action)
  await dead.delete(id)
  await forgetAnswer(queue, id)
  count(queue, record.mutation, { dead: -1 })
  return record
}

export function noDeadLetter(id: string, action: string): HoldfastError {
  return new HoldfastError({
    code: 'not-found',
    action,
    reason: `there is none with the id "${id}"`,
    hint: 'It may have been retried or discarded in another tab; list() shows what there is.',
  })
}
