import { type Mutation, sizeOf } from '../protocol/mutation.ts'
import { keyAt, laneOf } from '../protocol/queue-key.ts'
import { type Counters, counted } from './counters.ts'
import { freePlace } from './free-place.ts'
import type { PreparedMutation } from './mutation-input.ts'

/** What an append must know of the database to give its mutations their places. */
export interface Situation {
  counters: Counters
  /** The entities, of those asked for, that have a mutation in the queue. */
  taken: ReadonlySet<string>
}

/** New mutations in their places, and what is counted with them. */
export interface LaidOut {
  records: Mutation[]
  counters: Counters
}

/**
 * Gives new mutations their places in the queue, in the order of the calls: behind the others of their entity, behind
 * those that they depend on, not before their time, or ready.
 */
export function layOut(
  items: readonly Pick<PreparedMutation, 'mutation'>[],
  { counters, taken }: Situation,
  now: number,
): LaidOut {
  const busy = new Set(taken)
  let counts = counters
  const records = items.map(({ mutation }) => {
    counts = { ...counted(counts, laneOf(mutation.principal), { pending: 1, bytes: sizeOf(mutation) }) }
    counts.appended += 1
    const placed: Mutation = { ...mutation, key: '', sequence: counts.appended }
    const isBehind = mutation.entity !== undefined && busy.has(mutation.entity)
    placed.key = keyAt(placed, isBehind ? { in: 'blocked' } : freePlace(placed, now))
    if (mutation.entity !== undefined) busy.add(mutation.entity)
    return placed
  })
  return { records, counters: counts }
}
