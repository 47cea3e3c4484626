import type { Mutation } from '../protocol/mutation.ts'
import type { DeadReason, Problem } from '../protocol/settlement.ts'

/** One record of the store `dead`, under the id of its mutation. Its body, when apart, stays in `blobs`. */
export interface DeadRecord {
  mutation: Mutation
  reason: DeadReason
  /** Milliseconds since the epoch. */
  diedAt: number
  status?: number
  problem?: Problem
}
