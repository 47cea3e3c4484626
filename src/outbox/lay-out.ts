import type { Mutation } from '../protocol/mutation.ts'
import { keyAt } from '../protocol/queue-key.ts'
import { freePlace } from './free-place.ts'
import type { PreparedMutation } from './mutation-input.ts'

/** What an append must know of the database to give its mutations their places. */
export interface Situation {
  /** How many mutations were ever appended. */
  appended: number
  /** The entities, of those asked for, that have a mutation in the queue. */
  taken: ReadonlySet<string>
  /** How those stand that the new mutations wait for; what is not in it is confirmed, or was never here. */
  parents: ReadonlyMap<string, 'waiting' | 'dead' | 'cancelled'>
}

/**
 * Gives new mutations their places in the queue, in the order of the calls: behind the others of their entity, behind
 * those that they depend on, not before their time, or ready.
 */
export function layOut(
  items: readonly PreparedMutation[],
  { appended, taken, parents }: Situation,
  now: number,
): Mutation[] {
  const busy = new Set(taken)
  const here = new Set<string>()
  return items.map(({ mutation, dependsOn = [] }, index) => {
    const placed: Mutation = { ...mutation, key: '', sequence: appended + index + 1 }
    const waitsFor = dependsOn.filter(id => here.has(id) || parents.has(id))
    if (waitsFor.length > 0) placed.waitsFor = waitsFor
    const lost = waitsFor.find(id => parents.get(id) === 'dead' || parents.get(id) === 'cancelled')
    if (lost !== undefined) {
      placed.blockedBy = { id: lost, reason: parents.get(lost) === 'dead' ? 'parent-dead' : 'parent-cancelled' }
    }
    const isBehind = mutation.entity !== undefined && busy.has(mutation.entity)
    placed.key = keyAt(placed, isBehind ? { in: 'blocked' } : freePlace(placed, now))
    if (mutation.entity !== undefined) busy.add(mutation.entity)
    here.add(mutation.id)
    return placed
  })
}
