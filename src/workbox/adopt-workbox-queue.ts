import { parse, v5 as uuidv5, v7 as uuidv7 } from 'uuid'
import { owned } from '../outbox/append-context.ts'
import type { Queue as Changing } from '../outbox/change-queue.ts'
import type { PreparedMutation } from '../outbox/mutation-input.ts'
import { browserPlatform } from '../outbox/platform.ts'
import { takeIn } from '../outbox/queue-moves.ts'
import { settledKey } from '../outbox/settled.ts'
import { isHoldfastError } from '../protocol/errors.ts'
import type { Storage } from '../storage/open-storage.ts'
import { createOutboxLink, type OutboxLink } from './outbox-link.ts'
import { type QueueOptions, retentionMs } from './queue.ts'
import { prepareEntry } from './queue-entry.ts'
import { changePlace, type QueuePlace, queueEntity } from './queue-place.ts'
import { registerSyncTag, syncTagOf } from './sync-registration.ts'
import { openWorkboxDatabase, type WorkboxDatabase, type WorkboxEntry } from './workbox-database.ts'

/** As given to the `Queue` of that name; `onSync` says that the requests wait for it. */
export type AdoptOptions = Pick<QueueOptions, 'maxRetentionTime' | 'outbox'> & { onSync?: unknown }

/** What stays in Workbox's database, because an outbox does not take it. */
export interface LeftBehind {
  /** In Workbox's database. */
  id: number
  url: string
  method: string
  /** Why, and what to do about it. */
  reason: string
}

export interface Adoption {
  /** How many requests were taken over. */
  adopted: number
  left: LeftBehind[]
}

/**
 * Takes over what waits in a queue of workbox-background-sync, before everything else in the `Queue` of that name, in its
 * order. Each request is taken over once, however often this is called or interrupted: it leaves Workbox's database only
 * when it is durably in the outbox. Call it in the `activate` event of the worker that no longer uses Workbox's own queue.
 *
 * Rejects as the storage does; then the next call goes on.
 *
 * @example
 * self.addEventListener('activate', event => event.waitUntil(adoptWorkboxQueue('notes')))
 */
export async function adoptWorkboxQueue(name: string, options: AdoptOptions = {}): Promise<Adoption> {
  const link = createOutboxLink({ outbox: options.outbox, holder: 'workbox:adoption', platform: browserPlatform })
  try {
    const adoption = await adoptAll(link, name, options)
    if (adoption.adopted > 0) {
      link.tell('changed', [])
      await registerSyncTag(syncTagOf(name))
    }
    return adoption
  } finally {
    await link.close()
  }
}

async function adoptAll(link: OutboxLink, name: string, options: AdoptOptions): Promise<Adoption> {
  const adoption: Adoption = { adopted: 0, left: [] }
  await link.exclusively(`adopt:${name}`, async () => {
    const from = await openWorkboxDatabase(indexedDB)
    if (!from) return
    try {
      const to = await link.open()
      for await (const entry of entriesOf(from, name)) {
        const left = await adopt(entry, { from, to, name, options })
        if (left) adoption.left.push(left)
        else adoption.adopted += 1
      }
      await forgetMarks(to, name)
    } finally {
      from.close()
    }
  })
  return adoption
}

async function* entriesOf(from: WorkboxDatabase, name: string): AsyncGenerator<WorkboxEntry> {
  let behind = Number.NEGATIVE_INFINITY
  for (;;) {
    const page = await from.entriesOf(name, behind)
    if (page.length === 0) return
    for (const entry of page) {
      yield entry
      behind = entry.id
    }
  }
}

interface Move {
  from: WorkboxDatabase
  to: Storage
  name: string
  options: AdoptOptions
}

/** First it is on record here, then it is removed there: whoever is interrupted comes again. */
async function adopt(entry: WorkboxEntry, { from, to, name, options }: Move): Promise<LeftBehind | undefined> {
  if (!isReadable(entry)) return leftBehind(entry, 'It holds no request that can be read.')
  const id = mutationId(entry)
  const now = Date.now()
  const terms = { entity: queueEntity(name), maxRetentionMs: retentionMs(options.maxRetentionTime), now }
  try {
    const prepared = await prepareEntry(entry, { ...terms, newId: () => id })
    await changePlace(to, { queueName: name, now }, (queue, place) => takeOver(queue, place, entry, prepared, options))
  } catch (error) {
    if (isHoldfastError(error) && error.code === 'invalid-mutation') return leftBehind(entry, error.message)
    throw error
  }
  await from.delete(entry.id)
  return undefined
}

function leftBehind({ id, requestData }: WorkboxEntry, reason: string): LeftBehind {
  return { id, url: requestData?.url ?? '', method: requestData?.method ?? '', reason }
}

/** Anybody may have written to that database. */
function isReadable({ requestData, timestamp }: WorkboxEntry): boolean {
  return typeof requestData?.url === 'string' && typeof requestData.headers === 'object' && Number.isFinite(timestamp)
}

/**
 * The same for the same entry, always. Workbox counts anew in a new database, so that its time is a part of it; and it is
 * a UUID v7, since answers are forgotten in the order of their ids.
 */
function mutationId({ queueName, id, timestamp }: WorkboxEntry): string {
  const random = parse(uuidv5(JSON.stringify([queueName, id, timestamp]), NAMESPACE))
  return uuidv7({ msecs: timestamp, random, seq: 0 })
}

/** Chosen at random, once. */
const NAMESPACE = '6f0f3c3e-7a54-4b0a-9d0e-0a4f8c1f5b27'

async function takeOver(
  queue: Changing,
  place: QueuePlace,
  entry: WorkboxEntry,
  prepared: PreparedMutation,
  options: AdoptOptions,
): Promise<void> {
  const { mutation, apart } = owned(prepared, { principal: place.principal })
  const meta = queue.tx.objectStore('meta')
  if ((await meta.getKey(markOf(entry))) !== undefined || (await isKnown(queue, mutation.id))) return
  await meta.put(place.now, markOf(entry))
  const parked = options.onSync ? { ...mutation, waitsFor: [place.key] } : mutation
  await takeIn(queue, { ...parked, key: '', sequence: entry.id - BEFORE_ALL }, place.now)
  if (apart !== undefined && mutation.body.kind === 'apart') {
    await queue.tx.objectStore('blobs').put(apart, mutation.body.blobKey)
  }
}

/** Before whatever was written since, and among themselves in Workbox's order. */
const BEFORE_ALL = 2 ** 40

async function isKnown({ tx }: Changing, id: string): Promise<boolean> {
  const found = await Promise.all([
    tx.objectStore('mutations').index('id').getKey(id),
    tx.objectStore('dead').getKey(id),
    tx.objectStore('meta').getKey(settledKey(id)),
  ])
  return found.some(key => key !== undefined)
}

/** Says that an entry is taken over: until it is gone from Workbox's database, which is another transaction. */
function markOf({ queueName, id, timestamp }: Pick<WorkboxEntry, 'queueName' | 'id' | 'timestamp'>): string {
  return `${marksOf(queueName)}${id}|${timestamp}`
}

function marksOf(queueName: string): string {
  return `workbox-adopted:${encodeURIComponent(queueName)}|`
}

/** Nothing that they are about is in Workbox's database any more. */
function forgetMarks(storage: Storage, queueName: string): Promise<void> {
  const range = IDBKeyRange.bound(marksOf(queueName), `${marksOf(queueName)}\uffff`)
  return storage.write(['meta'], tx => void tx.objectStore('meta').delete(range))
}
