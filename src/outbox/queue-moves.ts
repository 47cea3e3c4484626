import type { BlockReason, Mutation } from '../protocol/mutation.ts'
import { keyAt, type Place } from '../protocol/queue-key.ts'
import { boundsOf, placeOf } from '../protocol/queue-range.ts'
import { count, lossOf, type Queue, weightOf } from './change-queue.ts'
import { freePlace } from './free-place.ts'
import { withAnswer } from './resolve-references.ts'

/** Gives a mutation another place, and whatever else is new about it. */
export async function move(queue: Queue, mutation: Mutation, place: Place): Promise<Mutation> {
  const store = queue.tx.objectStore('mutations')
  const moved = { ...mutation, key: keyAt(mutation, place) }
  if (place.in === 'blocked') queue.isPlain = false
  // Requests of a transaction are carried out in their order: nothing is gained by waiting for each.
  await Promise.all([moved.key !== mutation.key && store.delete(mutation.key), store.put(moved, moved.key)])
  return moved
}

/** Puts a mutation back that was under a lease: to its old place among those of its entity. */
export async function putBack(queue: Queue, mutation: Mutation, now: number): Promise<void> {
  const { entity } = mutation
  const isAlone = entity === undefined || (await isFirst(queue, mutation))
  await move(queue, mutation, isAlone ? freePlace(mutation, now) : { in: 'blocked' })
  if (!isAlone) await releaseNext(queue, entity, now)
}

/**
 * Takes a mutation out of the queue, and lets go what was behind it: the next one of its entity at once; those that
 * depend on it if it was confirmed. Where it was not, they stay, and say why.
 */
export async function takeOut(queue: Queue, mutation: Mutation, end: End, now: number): Promise<void> {
  const removed = queue.tx.objectStore('mutations').delete(mutation.key)
  count(queue, mutation, lossOf(mutation))
  await removed
  if (queue.isPlain) return
  if (mutation.entity !== undefined) await releaseNext(queue, mutation.entity, now)
  if (end.kind === 'confirmed') await releaseDependants(queue, { id: mutation.id, body: end.body }, now)
  else await parkDependants(queue, mutation.id, end.kind === 'dead' ? 'parent-dead' : 'parent-cancelled')
}

/** How a mutation left the queue, with what the server answered. */
export type End = { kind: 'confirmed'; body: unknown } | { kind: 'dead' | 'cancelled' }

/** Takes a dead letter into the queue again, at its old place, and tells those that depend on it. */
export async function takeIn(queue: Queue, mutation: Mutation, now: number): Promise<void> {
  const head = mutation.entity === undefined ? undefined : await firstOf(queue, mutation.entity)
  // Whoever is first now would be second; but what is on its way cannot be called back.
  const isNext = !head || (head.sequence > mutation.sequence && !(await isBeingSent(queue, mutation.entity)))
  if (head && isNext) await move(queue, head, { in: 'blocked' })
  const key = keyAt(mutation, isNext ? freePlace(mutation, now) : { in: 'blocked' })
  await queue.tx.objectStore('mutations').put({ ...mutation, key }, key)
  count(queue, mutation, weightOf(mutation))
  await unparkDependants(queue, mutation.id)
}

async function unparkDependants(queue: Queue, parentId: string): Promise<void> {
  const store = queue.tx.objectStore('mutations')
  for (const dependant of await dependantsOf(queue, parentId)) {
    const { blockedBy, ...rest } = dependant
    if (blockedBy?.id === parentId) await store.put(rest, rest.key)
  }
}

/** Whether nothing of its entity is before it. */
async function isFirst(queue: Queue, { entity, id }: Mutation): Promise<boolean> {
  return entity === undefined || (await firstOf(queue, entity))?.id === id
}

/** The first mutation of an entity, wherever in the queue it is. */
function firstOf(queue: Queue, entity: string): Promise<Mutation | undefined> {
  return queue.tx
    .objectStore('mutations')
    .index('entity')
    .get(IDBKeyRange.bound([entity], [entity, []]))
}

/** Whether one of this entity is on its way, which need not be the first: a dead letter may have come back before it. */
async function isBeingSent(queue: Queue, entity: string | undefined): Promise<boolean> {
  const { lower, upper } = boundsOf('sending')
  const sending: Mutation[] = await queue.tx.objectStore('mutations').getAll(IDBKeyRange.bound(lower, upper))
  return sending.some(one => one.entity === entity)
}

async function releaseNext(queue: Queue, entity: string, now: number): Promise<void> {
  const next = await firstOf(queue, entity)
  const isBlocked = next && placeOf(next.key) === 'blocked'
  if (isBlocked && !(await isBeingSent(queue, entity))) await move(queue, next, freePlace(next, now))
}

async function releaseDependants(queue: Queue, parent: { id: string; body: unknown }, now: number): Promise<void> {
  for (const { waitsFor = [], ...rest } of await dependantsOf(queue, parent.id)) {
    const left = waitsFor.filter(id => id !== parent.id)
    const freed: Mutation = withAnswer(left.length > 0 ? { ...rest, waitsFor: left } : rest, parent)
    await move(queue, freed, (await isFirst(queue, freed)) ? freePlace(freed, now) : { in: 'blocked' })
  }
}

/** Says of those that depend on a mutation why they do not go on. */
export async function parkDependants(queue: Queue, parentId: string, reason: BlockReason): Promise<void> {
  const store = queue.tx.objectStore('mutations')
  for (const dependant of await dependantsOf(queue, parentId)) {
    await store.put({ ...dependant, blockedBy: { id: parentId, reason } }, dependant.key)
  }
}

function dependantsOf(queue: Queue, parentId: string): Promise<Mutation[]> {
  return queue.tx.objectStore('mutations').index('waitsFor').getAll(parentId)
}
