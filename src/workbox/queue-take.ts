import { type Queue as Changing, count } from '../outbox/change-queue.ts'
import type { DeadRecord } from '../outbox/dead-record.ts'
import { keepAnswer } from '../outbox/keep-answer.ts'
import { move, takeOut } from '../outbox/queue-moves.ts'
import { DEFAULT_SETTINGS, type KeySettings, SETTINGS_KEY, type Settings } from '../outbox/settings.ts'
import type { Mutation } from '../protocol/mutation.ts'
import { placeOf } from '../protocol/queue-range.ts'
import { isTaken, type QueuePlace, rangeOf } from './queue-place.ts'

/** At which end of the queue. */
export type End = 'first' | 'last'

/** What the app has taken out of the queue, to send it by itself. */
export interface Taken {
  mutation: Mutation
  /** Its body, where that is stored apart. */
  apart?: string | ArrayBuffer
  key: KeySettings
}

/** So long a worker may have something in hand; Chromium ends a `sync` event after 180 s. */
const HAND_MS = 200_000

/** Takes the entry at an end: with a holder into hand, else out of the queue. What is too old becomes a dead letter. */
export async function take(
  queue: Changing,
  place: QueuePlace,
  { end, holder }: { end: End; holder: string | undefined },
): Promise<Taken | undefined> {
  const found = await firstFree(queue, place, end)
  if (!found) return undefined
  const apart = await readApart(queue, found)
  const key = await keySettings(queue)
  const { nextAttemptAt: _due, ...rest } = found
  const fence = found.fence + 1
  const until = place.now + HAND_MS
  // Whoever has the drain lock does not know this holder dead.
  const lease = holder === undefined ? undefined : { holder, token: fence, until, unlocked: true as const }
  const mutation: Mutation = { ...rest, fence, lease }
  if (lease) return { mutation: await move(queue, mutation, { in: 'sending' }), apart, key }
  await leave(queue, found, place.now)
  return { mutation, apart, key }
}

/** What was in hand is done. Nothing happens to what is somebody else's by now. */
export async function drop(queue: Changing, mutation: Mutation, now: number): Promise<void> {
  const current = await inHandOf(queue, mutation)
  if (current) await leave(queue, current, now)
}

/** The record of what is in hand, as long as it is. */
export async function inHandOf({ tx }: Changing, { id, lease }: Mutation): Promise<Mutation | undefined> {
  const current: Mutation | undefined = await tx.objectStore('mutations').index('id').get(id)
  const isOurs = lease !== undefined && current?.lease?.token === lease.token && placeOf(current.key) === 'sending'
  return isOurs ? current : undefined
}

/** Makes dead letters of what waited longer than it may, and is not on its way. */
export async function buryExpired(queue: Changing, place: QueuePlace): Promise<void> {
  const store = queue.tx.objectStore('mutations')
  for (let cursor = await store.index('entity').openCursor(rangeOf(place)); cursor; cursor = await cursor.continue()) {
    const mutation: Mutation = cursor.value
    if (isExpired(mutation, place.now) && !isTaken(mutation, place.now)) await bury(queue, mutation, place.now)
  }
}

async function firstFree(queue: Changing, place: QueuePlace, end: End): Promise<Mutation | undefined> {
  const index = queue.tx.objectStore('mutations').index('entity')
  let cursor = await index.openCursor(rangeOf(place), end === 'first' ? 'next' : 'prev')
  for (; cursor; cursor = await cursor.continue()) {
    const mutation: Mutation = cursor.value
    if (isTaken(mutation, place.now)) continue
    if (!isExpired(mutation, place.now)) return mutation
    await bury(queue, mutation, place.now)
  }
  return undefined
}

function isExpired({ expiresAt }: Mutation, now: number): boolean {
  return expiresAt !== undefined && now > expiresAt
}

async function bury(queue: Changing, { lease: _over, ...mutation }: Mutation, now: number): Promise<void> {
  const reason = 'expired'
  const dead: DeadRecord = { mutation, reason, diedAt: now }
  await takeOut(queue, mutation, { kind: 'dead' }, now)
  await keepAnswer(queue, mutation.id, { at: now, settlement: { kind: 'dead', reason } }, { whole: true })
  await queue.tx.objectStore('dead').put(dead, mutation.id)
  count(queue, mutation, { dead: 1 })
}

/** The app has taken it out: for the outbox that is an end, and its record says so. */
async function leave(queue: Changing, mutation: Mutation, now: number): Promise<void> {
  await takeOut(queue, mutation, { kind: 'cancelled' }, now)
  await keepAnswer(queue, mutation.id, { at: now, settlement: { kind: 'cancelled' } }, { whole: true })
  if (mutation.body.kind === 'apart') await queue.tx.objectStore('blobs').delete(mutation.body.blobKey)
}

async function readApart({ tx }: Changing, { body }: Mutation): Promise<string | ArrayBuffer | undefined> {
  return body.kind === 'apart' ? tx.objectStore('blobs').get(body.blobKey) : undefined
}

async function keySettings({ tx }: Changing): Promise<KeySettings> {
  const settings: Partial<Settings> | undefined = await tx.objectStore('meta').get(SETTINGS_KEY)
  return { ...DEFAULT_SETTINGS.key, ...settings?.key }
}
