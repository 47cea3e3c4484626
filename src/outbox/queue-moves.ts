import type { BlockReason, Mutation } from '../protocol/mutation.ts'
import { keyAt, type Place } from '../protocol/queue-key.ts'
import { boundsOf, placeOf } from '../protocol/queue-range.ts'
import type { Transaction } from '../storage/database.ts'
import { freePlace } from './free-place.ts'

/** What a change of the queue may touch. */
export const QUEUE_STORES: ['mutations', 'dead', 'blobs', 'meta'] = ['mutations', 'dead', 'blobs', 'meta']

/** A transaction in which the queue may be changed. */
export type QueueTransaction = Transaction<typeof QUEUE_STORES, 'readwrite'>

/** Gives a mutation another place, and whatever else is new about it. */
export async function move(tx: QueueTransaction, mutation: Mutation, place: Place): Promise<Mutation> {
  const store = tx.objectStore('mutations')
  const moved = { ...mutation, key: keyAt(mutation, place) }
  if (moved.key !== mutation.key) await store.delete(mutation.key)
  await store.put(moved, moved.key)
  return moved
}

/** Puts a mutation back that was under a lease, or dead: to its old place among those of its entity. */
export async function putBack(tx: QueueTransaction, mutation: Mutation, now: number): Promise<void> {
  const { entity } = mutation
  const isAlone = entity === undefined || (await isFirst(tx, mutation))
  await move(tx, mutation, isAlone ? freePlace(mutation, now) : { in: 'blocked' })
  if (!isAlone) await releaseNext(tx, entity, now)
}

/**
 * Takes a mutation out of the queue, and lets go what was behind it: the next one of its entity at once; those that
 * depend on it if it was confirmed. Where it was not, they stay, and say why.
 */
export async function takeOut(tx: QueueTransaction, mutation: Mutation, end: End, now: number): Promise<void> {
  await tx.objectStore('mutations').delete(mutation.key)
  if (mutation.entity !== undefined) await releaseNext(tx, mutation.entity, now)
  if (end === 'confirmed') await releaseDependants(tx, mutation.id, now)
  else await parkDependants(tx, mutation.id, end === 'dead' ? 'parent-dead' : 'parent-cancelled')
}

export type End = 'confirmed' | 'dead' | 'cancelled'

/** Takes a dead letter into the queue again, at its old place, and tells those that depend on it. */
export async function takeIn(tx: QueueTransaction, mutation: Mutation, now: number): Promise<void> {
  const head = mutation.entity === undefined ? undefined : await firstOf(tx, mutation.entity)
  // Whoever is first now would be second; but what is on its way cannot be called back.
  const isNext = !head || (head.sequence > mutation.sequence && !(await isBeingSent(tx, mutation.entity)))
  if (head && isNext) await move(tx, head, { in: 'blocked' })
  const key = keyAt(mutation, isNext ? freePlace(mutation, now) : { in: 'blocked' })
  await tx.objectStore('mutations').put({ ...mutation, key }, key)
  await unparkDependants(tx, mutation.id)
}

async function unparkDependants(tx: QueueTransaction, parentId: string): Promise<void> {
  const store = tx.objectStore('mutations')
  for (const dependant of await dependantsOf(tx, parentId)) {
    const { blockedBy, ...rest } = dependant
    if (blockedBy?.id === parentId) await store.put(rest, rest.key)
  }
}

/** Whether nothing of its entity is before it. */
async function isFirst(tx: QueueTransaction, { entity, id }: Mutation): Promise<boolean> {
  return entity === undefined || (await firstOf(tx, entity))?.id === id
}

/** The first mutation of an entity, wherever in the queue it is. */
function firstOf(tx: QueueTransaction, entity: string): Promise<Mutation | undefined> {
  return tx
    .objectStore('mutations')
    .index('entity')
    .get(IDBKeyRange.bound([entity], [entity, []]))
}

/** Whether one of this entity is on its way, which need not be the first: a dead letter may have come back before it. */
async function isBeingSent(tx: QueueTransaction, entity: string | undefined): Promise<boolean> {
  const { lower, upper } = boundsOf('sending')
  const sending: Mutation[] = await tx.objectStore('mutations').getAll(IDBKeyRange.bound(lower, upper))
  return sending.some(one => one.entity === entity)
}

async function releaseNext(tx: QueueTransaction, entity: string, now: number): Promise<void> {
  const next = await firstOf(tx, entity)
  const isBlocked = next && placeOf(next.key) === 'blocked'
  if (isBlocked && !(await isBeingSent(tx, entity))) await move(tx, next, freePlace(next, now))
}

async function releaseDependants(tx: QueueTransaction, parentId: string, now: number): Promise<void> {
  for (const { waitsFor = [], ...rest } of await dependantsOf(tx, parentId)) {
    const left = waitsFor.filter(id => id !== parentId)
    const freed: Mutation = left.length > 0 ? { ...rest, waitsFor: left } : rest
    await move(tx, freed, (await isFirst(tx, freed)) ? freePlace(freed, now) : { in: 'blocked' })
  }
}

/** Says of those that depend on a mutation why they do not go on. */
export async function parkDependants(tx: QueueTransaction, parentId: string, reason: BlockReason): Promise<void> {
  const store = tx.objectStore('mutations')
  for (const dependant of await dependantsOf(tx, parentId)) {
    await store.put({ ...dependant, blockedBy: { id: parentId, reason } }, dependant.key)
  }
}

function dependantsOf(tx: QueueTransaction, parentId: string): Promise<Mutation[]> {
  return tx.objectStore('mutations').index('waitsFor').getAll(parentId)
}
