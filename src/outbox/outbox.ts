import { HoldfastError } from '../protocol/errors.ts'
import { entityOf, type Mutation } from '../protocol/mutation.ts'
import { laneOf } from '../protocol/queue-key.ts'
import { boundsIn } from '../protocol/queue-range.ts'
import type { Settlement } from '../protocol/settlement.ts'
import { answerOf } from '../storage/database.ts'
import type { Storage } from '../storage/open-storage.ts'
import type { Channel } from '../tabs/channel.ts'
import { changeQueue, count, type Queue } from './change-queue.ts'
import { COUNTERS_KEY, type Counters, NO_COUNTERS, tallyOf } from './counters.ts'
import type { DeadRecord } from './dead-record.ts'
import { type OutboxEntry, toEntry } from './entry.ts'
import { keepAnswer } from './keep-answer.ts'
import { putBack, takeOut } from './queue-moves.ts'
import { cancelledKey, type SettledRecord, settledKey } from './settled.ts'

/** Which entries `list()` gives. */
export interface OutboxFilter {
  entity?: string
}

/** A write that waits for the server, with the promise of its end, as on its receipt: it never rejects. */
export type WaitingEntry = OutboxEntry & { settled: Promise<Settlement> }

/** So that `entry.attempts` can be asked of any entry. */
type Nothing<K extends string> = { [name in K]?: undefined }

/** A write that has ended. Nothing else is left of it, but where it is a dead letter: `deadLetters.get(id)` has all of it. */
export interface SettledEntry extends Nothing<Exclude<keyof OutboxEntry, 'id' | 'state'>> {
  id: string
  state: 'settled'
  settlement: Settlement
  settledAt: Date
  /** The settlement once more, so that it can be awaited whether the write has ended or not. */
  settled: Promise<Settlement>
}

/** The writes of whoever uses the app that wait for the server. */
export interface Outbox {
  /** The entries in replay order. */
  list(filter?: OutboxFilter): Promise<OutboxEntry[]>
  /**
   * One write by its id: after a reload, or in another tab, what the receipt was in the tab that wrote it. Its `state` is
   * `settled` where it has ended and its answer is still kept (a day by default, see `answers`), or where it is a dead
   * letter. Undefined for what was never here, is somebody else's, or ended too long ago.
   *
   * @example
   * const write = await hf.outbox.get(id)
   * if (write?.state === 'settled') show(write.settlement) // { kind: 'confirmed', status: 201, … }
   * else await write?.settled // the same, when it has ended
   */
  get(id: string): Promise<WaitingEntry | SettledEntry | undefined>
  /** How many there are; counted without reading them. */
  count(): Promise<number>
  /**
   * Takes a mutation out of the queue. False where that is too late: it is being sent, or it is not in the queue any
   * more. For one that is `held` it says "do not send it again".
   */
  cancel(id: string): Promise<boolean>
  /**
   * Says of a write that is `held`, because an attempt may have arrived (`onUncertain: 'hold'`): send it again. It goes
   * to its place in the queue, with the same idempotency key. Rejects with `not-found` where no such write is held.
   */
  retry(id: string): Promise<void>
  /** Calls `fn` after every change, in this tab or another; the function it returns ends that. */
  subscribe(fn: () => void): () => void
}

export interface OutboxPorts {
  open: () => Promise<Storage>
  channel: Channel
  now: () => number
  /** Who uses the app; asked once the storage is open. */
  principal: () => string | undefined
  /** The promise for the end of a mutation that is on record. */
  settledOf: (id: string) => Promise<Settlement>
  /** Tells whoever drains that there is something to do. */
  wake: () => void
  subscribe: Outbox['subscribe']
}

export function createOutbox({ open, channel, now, principal, settledOf, wake, subscribe }: OutboxPorts): Outbox {
  return {
    subscribe,

    async list({ entity } = {}) {
      const storage = await open()
      const mutations = await readLane(storage, laneOf(principal()))
      const wanted = mutations.filter(mutation => entity === undefined || entityOf(mutation) === entity)
      const [at, readBlob] = [now(), readBlobOf(storage)]
      return wanted.sort(inReplayOrder).map(mutation => toEntry(mutation, at, readBlob))
    },

    async get(id) {
      const found = await readState(await open(), id, { principal: principal(), now: now() })
      if (found?.state === 'settled') return { ...found, settled: Promise.resolve(found.settlement) }
      return found && { ...found, settled: settledOf(id) }
    },

    async count() {
      const { database } = await open()
      const counters = await database.get<Counters>('meta', COUNTERS_KEY)
      return tallyOf(counters ?? NO_COUNTERS, laneOf(principal())).pending
    },

    async cancel(id) {
      const cancelled = await cancelWaiting(await open(), id, { principal: principal(), now: now() })
      if (cancelled) channel.post('settled', { ids: [id] })
      return cancelled
    },

    async retry(id) {
      await releaseHeld(await open(), id, { principal: principal(), now: now() })
      channel.post('changed', { ids: [id] })
      wake()
    },
  }
}

/** How a write stands at this moment: what `get()` gives, but for the promise of its end. */
export async function readState(
  storage: Storage,
  id: string,
  { principal, now }: ChangeOptions,
): Promise<OutboxEntry | Omit<SettledEntry, 'settled'> | undefined> {
  const found = await findWrite(storage, id, principal)
  if (!found) return undefined
  return 'settlement' in found ? toSettledEntry(id, found) : toEntry(found, now, readBlobOf(storage))
}

const PLACES = ['sending', 'ready', 'delayed', 'blocked'] as const

/** All that one principal has in the queue. In one transaction, so that what moves meanwhile is seen once. */
async function readLane({ database }: Storage, lane: string): Promise<Mutation[]> {
  const ranges = PLACES.map(place => boundsIn(lane, place)).map(({ lower, upper }) => IDBKeyRange.bound(lower, upper))
  const places = await database.read('mutations', mutations =>
    Promise.all(ranges.map(range => answerOf<Mutation[]>(mutations.getAll(range)))),
  )
  return places.flat()
}

function readBlobOf({ blobs }: Storage) {
  return (key: string) => blobs.getItem<string | ArrayBuffer>(key)
}

/** Keys sort by what can be sent now; people think of it as priority, then age. */
function inReplayOrder(a: Mutation, b: Mutation): number {
  return b.priority - a.priority || a.sequence - b.sequence
}

/** A mutation of the queue, or how it has ended. In one transaction, so that it cannot end in between. */
function findWrite(
  storage: Storage,
  id: string,
  principal: string | undefined,
): Promise<Mutation | SettledRecord | undefined> {
  return storage.transact(['mutations', 'dead', 'meta'], 'readonly', async tx => {
    const [waiting, dead, ended]: [Mutation?, DeadRecord?, SettledRecord?] = await Promise.all([
      tx.objectStore('mutations').index('id').get(id),
      tx.objectStore('dead').get(id),
      tx.objectStore('meta').get(settledKey(id)),
    ])
    const mutation = waiting ?? dead?.mutation
    if (mutation && mutation.principal !== principal) return undefined
    return waiting ?? (dead ? endOf(dead) : ended)
  })
}

function endOf({ reason, status, problem, diedAt }: DeadRecord): SettledRecord {
  const settlement: Settlement = {
    kind: 'dead',
    reason,
    ...(status !== undefined && { status }),
    ...(problem !== undefined && { problem }),
  }
  return { at: diedAt, settlement }
}

function toSettledEntry(id: string, { at, settlement }: SettledRecord): Omit<SettledEntry, 'settled'> {
  return { id, state: 'settled', settlement, settledAt: new Date(at) }
}

interface ChangeOptions {
  principal: string | undefined
  now: number
}

/** See `Outbox.cancel()`; whoever else is to hear of it must be told. */
export function cancelWaiting(storage: Storage, id: string, options: ChangeOptions): Promise<boolean> {
  const { now } = options
  return changeQueue(storage, async queue => {
    const { tx } = queue
    const mutation = await waitingOf(queue, id, options)
    if (!mutation || (mutation.lease && mutation.lease.until > now)) return false
    await takeOut(queue, mutation, { kind: 'cancelled' }, now)
    await keepAnswer(queue, id, { at: now, settlement: { kind: 'cancelled' } }, { whole: true })
    await tx.objectStore('meta').put(now, cancelledKey(id))
    if (mutation.body.kind === 'apart') await tx.objectStore('blobs').delete(mutation.body.blobKey)
    return true
  })
}

function releaseHeld(storage: Storage, id: string, options: ChangeOptions): Promise<void> {
  return changeQueue(storage, async queue => {
    const mutation = await waitingOf(queue, id, options)
    if (!mutation?.held) throw notHeld(id)
    const { held: _decided, ...rest } = mutation
    count(queue, mutation, { held: -1 })
    // However long the person took: what failed before counts neither for the backoff nor for its age.
    await putBack(queue, { ...rest, failures: 0 }, options.now)
  })
}

async function waitingOf({ tx }: Queue, id: string, { principal }: ChangeOptions): Promise<Mutation | undefined> {
  const mutation: Mutation | undefined = await tx.objectStore('mutations').index('id').get(id)
  return mutation?.principal === principal ? mutation : undefined
}

function notHeld(id: string): HoldfastError {
  return new HoldfastError({
    code: 'not-found',
    action: 'send the write again',
    reason: `no write with the id "${id}" is held`,
    hint: 'Another tab may have decided; get(id) shows how it stands. A dead letter is retried by deadLetters.retry(id).',
  })
}
