import { type Mutation, sizeOf } from '../protocol/mutation.ts'
import type { Storage } from '../storage/open-storage.ts'
import { carrierOf, noteAbsorbed, waitingFor } from './absorbed.ts'
import type { Appended } from './append.ts'
import { type AppendContext, whyFull } from './append-context.ts'
import { changeQueue, count, type Queue } from './change-queue.ts'
import { type Coalesced, coalesceWith } from './coalesce.ts'
import { keepAnswer } from './keep-answer.ts'
import { layOut } from './lay-out.ts'
import type { PreparedMutation } from './mutation-input.ts'
import { takeOut } from './queue-moves.ts'
import { unanswered, withAnswer } from './resolve-references.ts'
import { cancelledKey, type SettledRecord, settledKey } from './settled.ts'

/**
 * Appends a group in one transaction, all or none, in its order. An item that asks for it is joined with the last mutation
 * of its entity that still waits, see `coalesceWith`; the others are appended as they are.
 *
 * Whoever depends on a mutation that another one took in waits for that one. An answer that a new mutation refers to and
 * that is on record already is noted in it: that record will be forgotten.
 */
export function writeCoalescing(
  storage: Pick<Storage, 'transact'>,
  items: readonly PreparedMutation[],
  context: AppendContext,
  now: number,
): Promise<Appended[]> {
  return changeQueue(storage, async queue => {
    const appended: Appended[] = []
    for (const item of items) appended.push(await writeOne(queue, item, context, now))
    return appended
  })
}

async function writeOne(queue: Queue, given: PreparedMutation, context: AppendContext, now: number): Promise<Appended> {
  const { item, parents } = await amongParents(queue, given)
  const last = await lastOf(queue, item.mutation.entity)
  const taken = new Set(last?.entity === undefined ? [] : [last.entity])
  const { records, counters } = layOut([withParents(item, parents)], { counters: queue.counters, taken }, now)
  const incoming = await withKnownAnswers(queue, records[0] as Mutation)
  const joint: Coalesced<Mutation> = last && item.coalesce ? coalesceWith(last, incoming, item.coalesce) : APPEND
  if (last && joint.kind === 'cancel-both') return cancelBoth(queue, last, joint, now)
  if (last && joint.kind === 'replace') return replace(queue, last, joint, { item, context })
  await put(queue, incoming, item)
  queue.counters = counters
  assertRoom(queue, context)
  return { id: incoming.id, ended: [] }
}

const APPEND = { kind: 'append' } as const

/** How those stand that a mutation waits for, and the mutation itself: it waits for whoever took one of them in. */
async function amongParents(
  queue: Queue,
  given: PreparedMutation,
): Promise<{ item: PreparedMutation; parents: Parents }> {
  let item = given
  const parents = new Map<string, Standing>()
  for (const id of given.dependsOn ?? []) {
    const standing = await standingOf(queue, id)
    const carrier = standing ? undefined : await carrierOf(queue, id)
    if (carrier !== undefined) item = waitingFor(item, id, carrier)
    const known = carrier === undefined ? standing : await standingOf(queue, carrier)
    if (known) parents.set(carrier ?? id, known)
  }
  return { item, parents }
}

type Standing = 'waiting' | 'dead' | 'cancelled'
/** What is not in it is confirmed, or was never here. */
type Parents = ReadonlyMap<string, Standing>

/** Notes in a mutation what it waits for, and why it will not go on by itself. */
function withParents(
  { mutation, dependsOn = [] }: PreparedMutation,
  parents: Parents,
): Pick<PreparedMutation, 'mutation'> {
  const waitsFor = dependsOn.filter(id => parents.has(id))
  if (waitsFor.length === 0) return { mutation }
  const lost = waitsFor.find(id => parents.get(id) !== 'waiting')
  if (lost === undefined) return { mutation: { ...mutation, waitsFor } }
  const reason = parents.get(lost) === 'dead' ? 'parent-dead' : 'parent-cancelled'
  return { mutation: { ...mutation, waitsFor, blockedBy: { id: lost, reason } } }
}

/** Nothing for one that was confirmed, or was never here. */
async function standingOf({ tx }: Queue, id: string): Promise<Standing | undefined> {
  if ((await tx.objectStore('mutations').index('id').getKey(id)) !== undefined) return 'waiting'
  if ((await tx.objectStore('dead').getKey(id)) !== undefined) return 'dead'
  return (await tx.objectStore('meta').getKey(cancelledKey(id))) === undefined ? undefined : 'cancelled'
}

/** The last mutation of an entity, wherever in the queue it is. */
async function lastOf({ tx }: Queue, entity: string | undefined): Promise<Mutation | undefined> {
  if (entity === undefined) return undefined
  const range = IDBKeyRange.bound([entity], [entity, []])
  const cursor = await tx.objectStore('mutations').index('entity').openCursor(range, 'prev')
  return cursor?.value
}

async function withKnownAnswers({ tx }: Queue, incoming: Mutation): Promise<Mutation> {
  let known = incoming
  for (const id of unanswered(incoming)) {
    const record: SettledRecord | undefined = await tx.objectStore('meta').get(settledKey(id))
    if (record?.settlement.kind === 'confirmed') known = withAnswer(known, { id, body: record.settlement.body })
  }
  return known
}

async function put({ tx }: Queue, mutation: Mutation, { apart }: PreparedMutation): Promise<void> {
  await tx.objectStore('mutations').put(mutation, mutation.key)
  if (apart !== undefined && mutation.body.kind === 'apart')
    await tx.objectStore('blobs').put(apart, mutation.body.blobKey)
}

async function replace(
  queue: Queue,
  waiting: Mutation,
  { mutation, absorbed, orphans }: Extract<Coalesced<Mutation>, { kind: 'replace' }>,
  { item, context }: { item: PreparedMutation; context: AppendContext },
): Promise<Appended> {
  const bytes = sizeOf(mutation) - sizeOf(waiting)
  await put(queue, mutation, item)
  await dropBodies(queue, orphans)
  await noteAbsorbed(queue, absorbed)
  count(queue, mutation, { bytes })
  // What adds nothing is welcome also where there is too much.
  if (bytes > 0) assertRoom(queue, context)
  return { id: mutation.id, ended: [] }
}

async function cancelBoth(
  queue: Queue,
  waiting: Mutation,
  { cancelled, orphans }: Extract<Coalesced, { kind: 'cancel-both' }>,
  now: number,
): Promise<Appended> {
  await takeOut(queue, waiting, { kind: 'cancelled' }, now)
  await dropBodies(queue, orphans)
  for (const id of cancelled) {
    await keepAnswer(queue, id, { at: now, settlement: { kind: 'cancelled' } }, { whole: true })
    await queue.tx.objectStore('meta').put(now, cancelledKey(id))
  }
  return { id: cancelled[1], ended: cancelled }
}

async function dropBodies({ tx }: Queue, blobKeys: string[]): Promise<void> {
  for (const key of blobKeys) await tx.objectStore('blobs').delete(key)
}

function assertRoom({ counters }: Queue, context: AppendContext): void {
  const full = whyFull(counters, context)
  if (full) throw full
}
