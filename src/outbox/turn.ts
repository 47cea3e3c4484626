import { isHoldfastError } from '../protocol/errors.ts'
import type { Mutation } from '../protocol/mutation.ts'
import { boundsOf } from '../protocol/queue-range.ts'
import type { Storage } from '../storage/open-storage.ts'
import { changeQueue, type Queue } from './change-queue.ts'
import { type Claim, type ClaimOptions, claimIn } from './claim.ts'
import type { Counters } from './counters.ts'
import { type Ending, type KeepingPorts, release, type Settled, type SettlePorts, settleIn } from './settle.ts'
import { LAST_SYNC_KEY } from './settled.ts'

/** An attempt that has ended. */
export interface Ended {
  mutation: Mutation
  ending: Ending
  /** How long the attempt took; left out where none was made. Milliseconds. */
  attemptMs?: number
}

/** What was claimed and is not sent now. */
export interface Returned {
  mutation: Mutation
  /** When it may be claimed again; left out: at once. Milliseconds since the epoch. */
  until?: number
}

export interface Turn {
  /** One for each of the ended, in their order. */
  settled: Settled[]
  claim: Claim
  /** How many it was ready to take: fewer than asked for on a device that is full. */
  limit: number
  counters: Counters
}

export interface TurnOptions {
  ended: readonly Ended[]
  returned: readonly Returned[]
  claim: ClaimOptions
  /** What is to be kept in `meta` besides, by its key. */
  keep: Record<string, unknown>
}

/**
 * One turn of the drain, in one transaction: records how attempts ended, gives back what cannot be sent now, and takes
 * what may be sent next, which may be what was behind them.
 */
export async function takeTurn(storage: Storage, options: TurnOptions, ports: SettlePorts): Promise<Turn> {
  try {
    return await tryTurn(storage, options, { ...ports, keepsAnswers: true })
  } catch (error) {
    const isFull = isHoldfastError(error) && error.code === 'quota-exceeded'
    if (!isFull || options.ended.length + options.returned.length === 0) throw error
    // A device that is full gets room by what leaves the queue: without the answers, and without taking more.
    const lean = { ...options, keep: {}, claim: { ...options.claim, limit: 0 } }
    return tryTurn(storage, lean, { ...ports, keepsAnswers: false })
  }
}

function tryTurn(storage: Storage, { ended, returned, claim, keep }: TurnOptions, ports: KeepingPorts): Promise<Turn> {
  return changeQueue(
    storage,
    async queue => {
      const settled = await settleAll(queue, ended, ports)
      for (const { mutation, until } of returned) await release(queue, mutation, ports.now(), until)
      // After the last one nothing is left to look for; a run that has found nothing yet looks, whatever the counts say.
      const isEmpty = ended.length > 0 && Object.values(queue.counters.lanes).every(({ pending }) => pending === 0)
      const meta = queue.tx.objectStore('meta')
      const [claimed] = await Promise.all([
        claimIn(queue, isEmpty ? { ...claim, limit: 0 } : claim),
        ...Object.entries(keep).map(([key, value]) => meta.put(value, key)),
      ])
      return { settled, claim: claimed, limit: claim.limit, counters: queue.counters }
    },
    // What a power cut takes from here, a lease or a removal, is sent again under the same key, which the server knows.
    { durability: 'relaxed' },
  )
}

/** Reads once what each of them has to know. */
async function settleAll(queue: Queue, ended: readonly Ended[], ports: KeepingPorts): Promise<Settled[]> {
  if (ended.length === 0) return []
  const store = queue.tx.objectStore('mutations')
  const [sending, blocked] = await Promise.all([
    store.getAll(rangeOf('sending')) as Promise<Mutation[]>,
    store.getAllKeys(rangeOf('blocked'), 1),
  ])
  queue.sending = new Map(sending.map(one => [one.key, one]))
  queue.isPlain = blocked.length === 0
  const settled: Settled[] = []
  // Two that end together may let go the same one: only where there is none they are settled side by side.
  if (queue.isPlain) settled.push(...(await Promise.all(ended.map(one => settleOne(queue, one, ports)))))
  else for (const one of ended) settled.push(await settleOne(queue, one, ports))
  if (settled.some(({ kind }) => kind === 'confirmed')) {
    await queue.tx.objectStore('meta').put(ports.now(), LAST_SYNC_KEY)
  }
  queue.sending = undefined
  return settled
}

function settleOne(queue: Queue, { mutation, ending }: Ended, ports: KeepingPorts): Promise<Settled> {
  return settleIn(queue, mutation, ending, ports)
}

function rangeOf(place: 'sending' | 'blocked'): IDBKeyRange {
  const { lower, upper } = boundsOf(place)
  return IDBKeyRange.bound(lower, upper)
}
