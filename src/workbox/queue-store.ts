import { owned } from '../outbox/append-context.ts'
import type { Queue as Changing } from '../outbox/change-queue.ts'
import { forgetAnswer } from '../outbox/keep-answer.ts'
import type { PreparedMutation } from '../outbox/mutation-input.ts'
import { putBack, takeIn, takeOut } from '../outbox/queue-moves.ts'
import type { Mutation } from '../protocol/mutation.ts'
import { boundsOf } from '../protocol/queue-range.ts'
import type { Storage } from '../storage/open-storage.ts'
import {
  changePlace,
  isByHand,
  isInHand,
  type PlaceReader,
  type QueuePlace,
  rangeOf,
  readPlace,
} from './queue-place.ts'
import { buryExpired, drop, type End, inHandOf, type Taken, take } from './queue-take.ts'

export interface StorePorts {
  open: () => Promise<Storage>
  queueName: string
  now: () => number
  /** Who takes things into hand. */
  holder: string
  /** Whether new entries wait for the app's own `onSync`, and nothing else sends them. */
  isParked: boolean
}

/** A queue of Workbox, kept in the outbox. Each method is one transaction, `release` one for each hundred. */
export interface QueueStore {
  /** Adds an entry; `replaces`: one in hand whose place it takes. */
  add(prepared: PreparedMutation, end: End, replaces?: Taken): Promise<void>
  /** Puts back what was taken, at that end, under its own id. */
  putBack(taken: Taken, end: End): Promise<void>
  /**
   * Takes the entry at that end. With `keep` it stays on record as one in hand, else it is gone. What is too old becomes a
   * dead letter on the way.
   */
  take(end: End, options: { keep: boolean }): Promise<Taken | undefined>
  /** These were in hand and are done: they leave the queue. */
  dropAll(taken: readonly Taken[]): Promise<void>
  /** All entries in their order, with the bodies that are stored apart. What is too old becomes a dead letter. */
  list(): Promise<Pick<Taken, 'mutation' | 'apart'>[]>
  size(): Promise<number>
  /** Lets everything that waits for `onSync` be sent as other writes are. */
  release(): Promise<void>
  /** Puts back what a worker had in hand that is no more. The caller knows that there is no other. */
  recoverHands(): Promise<void>
}

export function createQueueStore({ open, queueName, now, holder, isParked }: StorePorts): QueueStore {
  const change = async <T>(work: (queue: Changing, place: QueuePlace) => Promise<T>) =>
    changePlace(await open(), { queueName, now: now() }, work)

  return {
    add: (prepared, end, replaces) =>
      change(async (queue, place) => {
        const { mutation } = owned(prepared, { principal: place.principal })
        await putIn(queue, place, isParked ? { ...mutation, waitsFor: [place.key] } : mutation, end)
        await putBody(queue, prepared)
        if (replaces) await drop(queue, replaces.mutation, place.now)
      }),

    putBack: (taken, end) => change((queue, place) => returnTaken(queue, place, taken, end)),

    take: (end, { keep }) => change((queue, place) => take(queue, place, { end, holder: keep ? holder : undefined })),

    async dropAll(taken) {
      if (taken.length === 0) return
      await change(async (queue, place) => {
        for (const { mutation } of taken) await drop(queue, mutation, place.now)
      })
    },

    async list() {
      await change(buryExpired)
      return readPlace(await open(), { queueName, now: now() }, async (tx, place) => {
        const all: Mutation[] = await tx.objectStore('mutations').index('entity').getAll(rangeOf(place))
        const present = all.filter(mutation => !isInHand(mutation, place.now))
        return Promise.all(present.map(async mutation => ({ mutation, apart: await apartOf(tx, mutation) })))
      })
    },

    async size() {
      return readPlace(await open(), { queueName, now: now() }, async (tx, place) => {
        const index = tx.objectStore('mutations').index('entity')
        const sending: Mutation[] = await tx.objectStore('mutations').getAll(sendingRange())
        const inHand = sending.filter(one => one.entity === place.key && isInHand(one, place.now))
        return (await index.count(rangeOf(place))) - inHand.length
      })
    },

    async release() {
      while ((await change(releaseSome)) === AT_ONCE);
    },

    recoverHands: () => change(recoverHands),
  }
}

async function returnTaken(queue: Changing, place: QueuePlace, { mutation, apart }: Taken, end: End): Promise<void> {
  const current = await inHandOf(queue, mutation)
  // A drain that took it for abandoned has it back already.
  if (!current && (await isKnown(queue, mutation))) return
  // What is behind it must be let go, should it come back behind that.
  if (current) await takeOut(queue, current, { kind: 'cancelled' }, place.now)
  else await forgetAnswer(queue, mutation.id)
  const { lease: _over, ...rest } = mutation
  await putIn(queue, place, rest, end)
  await putBody(queue, { mutation, apart })
}

async function isKnown({ tx }: Changing, { id }: Mutation): Promise<boolean> {
  const [waiting, dead] = await Promise.all([
    tx.objectStore('mutations').index('id').getKey(id),
    tx.objectStore('dead').getKey(id),
  ])
  return waiting !== undefined || dead !== undefined
}

/** Gives it the next place of all, or the one before the first of this queue. */
async function putIn(
  queue: Changing,
  place: QueuePlace,
  mutation: Omit<Mutation, 'key' | 'sequence'>,
  end: End,
): Promise<void> {
  const appended = queue.counters.appended + 1
  const cursor = await queue.tx.objectStore('mutations').index('entity').openCursor(rangeOf(place))
  const first: Mutation | undefined = cursor?.value
  const isBefore = end === 'first' && first !== undefined
  if (!isBefore) queue.counters = { ...queue.counters, appended }
  await takeIn(queue, { ...mutation, key: '', sequence: isBefore ? first.sequence - 1 : appended }, place.now)
}

async function putBody({ tx }: Changing, { mutation, apart }: Pick<PreparedMutation, 'mutation' | 'apart'>) {
  if (apart === undefined || mutation.body.kind !== 'apart') return
  await tx.objectStore('blobs').put(apart, mutation.body.blobKey)
}

async function apartOf(tx: PlaceReader, { body }: Mutation): Promise<string | ArrayBuffer | undefined> {
  return body.kind === 'apart' ? tx.objectStore('blobs').get(body.blobKey) : undefined
}

function sendingRange(): IDBKeyRange {
  const { lower, upper } = boundsOf('sending')
  return IDBKeyRange.bound(lower, upper)
}

/** So many go in one transaction. */
const AT_ONCE = 100

async function releaseSome(queue: Changing, { key, now }: QueuePlace): Promise<number> {
  const parked: Mutation[] = await queue.tx.objectStore('mutations').index('waitsFor').getAll(key, AT_ONCE)
  for (const mutation of parked) {
    const { waitsFor: _over, ...free } = mutation
    // What is in hand keeps its lease; it is free when it comes back.
    if (isByHand(mutation)) await queue.tx.objectStore('mutations').put(free, mutation.key)
    else await putBack(queue, free, now)
  }
  return parked.length
}

async function recoverHands(queue: Changing, { key, now }: QueuePlace): Promise<void> {
  const sending: Mutation[] = await queue.tx.objectStore('mutations').getAll(sendingRange())
  for (const mutation of sending) {
    if (mutation.entity !== key || !isByHand(mutation)) continue
    const { lease: _over, ...free } = mutation
    await putBack(queue, free, now)
  }
}
