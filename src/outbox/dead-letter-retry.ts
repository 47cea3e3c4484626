import type { Mutation } from '../protocol/mutation.ts'
import type { Storage } from '../storage/open-storage.ts'
import { changeQueue, type Queue } from './change-queue.ts'
import { contentOf, type DeadLetterEdit, type EditedMutation, editMutation, editRefused } from './dead-letter-edit.ts'
import { type DeadRecord, noDeadLetter, takeDead } from './dead-record.ts'
import { invalidMutation } from './invalid-mutation.ts'
import { takeIn } from './queue-moves.ts'
import { withAnswer } from './resolve-references.ts'
import { cancelledKey, type SettledRecord, settledKey } from './settled.ts'

export interface RetryContext {
  principal: string | undefined
  now: number
  newId: () => string
}

const ACTION = 'retry the dead letter'

/** Puts a dead letter back into the queue. An edit is checked, and its body read, before anything is changed. */
export async function retryLetter(
  storage: Storage,
  id: string,
  edit: DeadLetterEdit | undefined,
  context: RetryContext,
): Promise<void> {
  if (edit === undefined) return retryAsItIs(storage, id, context)
  const { record, content } = await readLetter(storage, id, context)
  const mutation = begunAnew(record.mutation, context.now)
  const edited = await editMutation({ mutation, content }, edit, context.newId)
  const isDone = await changeQueue(storage, async queue => {
    // Another tab may have retried it meanwhile, and edited it, and it may have come back: then the edit begins anew.
    if (!(await isStill(queue, record))) return false
    await takeDead(queue, id, { ...context, action: ACTION })
    await replaceBody(queue, record.mutation, edited)
    await takeIn(queue, await amongParents(queue, edited.mutation), context.now)
    return true
  })
  if (!isDone) await retryLetter(storage, id, edit, context)
}

function retryAsItIs(storage: Storage, id: string, context: RetryContext): Promise<void> {
  return changeQueue(storage, async queue => {
    const { mutation } = await takeDead(queue, id, { ...context, action: ACTION })
    await takeIn(queue, await amongParents(queue, begunAnew(mutation, context.now)), context.now)
  })
}

/** A person has just looked at it: all its attempts are before it, and its age begins anew. */
function begunAnew({ nextAttemptAt: _over, expiresAt = 0, ...rest }: Mutation, now: number): Mutation {
  return { ...rest, createdAt: now, attempts: 0, failures: 0, ...(expiresAt > now && { expiresAt }) }
}

interface Letter {
  record: DeadRecord
  content: string | ArrayBuffer | undefined
}

function readLetter(storage: Storage, id: string, { principal }: RetryContext): Promise<Letter> {
  return storage.transact(['dead', 'blobs'], 'readonly', async tx => {
    const record: DeadRecord | undefined = await tx.objectStore('dead').get(id)
    if (!record || record.mutation.principal !== principal) throw noDeadLetter(id, ACTION)
    const { body } = record.mutation
    return {
      record,
      content: body.kind === 'apart' ? await tx.objectStore('blobs').get(body.blobKey) : contentOf(body),
    }
  })
}

/** Each claim counts the fence up. What is gone is for `takeDead` to say. */
async function isStill({ tx }: Queue, { mutation, diedAt }: DeadRecord): Promise<boolean> {
  const current: DeadRecord | undefined = await tx.objectStore('dead').get(mutation.id)
  return !current || (current.mutation.fence === mutation.fence && current.diedAt === diedAt)
}

async function replaceBody({ tx }: Queue, { body }: Mutation, { mutation, apart }: EditedMutation): Promise<void> {
  if (mutation.body === body) return
  const blobs = tx.objectStore('blobs')
  if (body.kind === 'apart') await blobs.delete(body.blobKey)
  if (mutation.body.kind === 'apart') await blobs.put(apart, mutation.body.blobKey)
}

/**
 * Notes the answers that it refers to and has not noted, and has it wait for those that are still to come: an edit may
 * refer to other mutations than before.
 */
async function amongParents(queue: Queue, { waitsFor = [], blockedBy: _before, ...rest }: Mutation): Promise<Mutation> {
  let mutation: Mutation = rest
  const waiting: string[] = []
  for (const id of new Set([...waitsFor, ...unknownParents(rest)])) {
    const parent = await standingOf(queue, id, rest)
    if (parent.kind === 'confirmed') mutation = withAnswer(mutation, { id, body: parent.body })
    if (parent.kind === 'unknown' || parent.kind === 'confirmed') continue
    assertEarlier(parent, mutation, id)
    waiting.push(id)
    if (parent.kind !== 'waiting') mutation.blockedBy ??= { id, reason: `parent-${parent.kind}` }
  }
  return waiting.length > 0 ? { ...mutation, waitsFor: waiting } : mutation
}

function unknownParents({ references = [], answers = {} }: Mutation): string[] {
  return references.flatMap(([id, pointer]) => (Object.hasOwn(answers[id] ?? {}, pointer) ? [] : [id]))
}

type Standing =
  | { kind: 'waiting' | 'dead'; sequence: number }
  | { kind: 'cancelled' }
  | { kind: 'confirmed'; body: unknown }
  | { kind: 'unknown' }

async function standingOf({ tx }: Queue, id: string, child: Mutation): Promise<Standing> {
  // It is nowhere at this moment.
  if (id === child.id) return { kind: 'waiting', sequence: child.sequence }
  const waiting: Mutation | undefined = await tx.objectStore('mutations').index('id').get(id)
  if (waiting) return { kind: 'waiting', sequence: waiting.sequence }
  const dead: DeadRecord | undefined = await tx.objectStore('dead').get(id)
  if (dead) return { kind: 'dead', sequence: dead.mutation.sequence }
  const meta = tx.objectStore('meta')
  if ((await meta.getKey(cancelledKey(id))) !== undefined) return { kind: 'cancelled' }
  const ended: SettledRecord | undefined = await meta.get(settledKey(id))
  return ended?.settlement.kind === 'confirmed'
    ? { kind: 'confirmed', body: ended.settlement.body }
    : { kind: 'unknown' }
}

/** Two that wait for each other wait for ever; so does one for what is behind it in its entity. */
function assertEarlier(parent: Standing, { sequence }: Mutation, id: string): void {
  if (!('sequence' in parent) || parent.sequence < sequence) return
  throw editRefused(
    invalidMutation(
      `it refers to "${id}", which was not made before it`,
      'Discard it, and make the write anew: it will be behind the other one then.',
    ),
  )
}
