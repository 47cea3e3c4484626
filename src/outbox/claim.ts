import type { Mutation } from '../protocol/mutation.ts'
import { readyPrefix } from '../protocol/queue-key.ts'
import { boundsOf, dueTimeOf, dueUpTo, readyParts } from '../protocol/queue-range.ts'
import { HELD_KEY, PAUSED_KEY } from './pause.ts'
import { move, type QueueTransaction } from './queue-moves.ts'

/** A mutation under a lease, with the body to send. */
export interface Claimed {
  mutation: Mutation
  body: string | ArrayBuffer | undefined
}

/** A mutation under a lease that cannot be sent, and why. */
export interface Unsendable {
  mutation: Mutation
  reason: 'expired' | 'body-lost'
}

/** What the queue has for a sender now. */
export interface Claim {
  claimed: Claimed[]
  unsendable: Unsendable[]
  /** When the next delayed mutation is due; milliseconds since the epoch. */
  nextDueAt?: number
  /** Whether nobody may send: a person paused the queue, or has to sign in. */
  isStopped: boolean
}

export interface ClaimOptions {
  holder: string
  now: number
  leaseMs: number
  /** At most that many. */
  limit: number
  /** At most that many for an origin; 0 where it does not answer at the moment. */
  slots: (origin: string) => number
  /** How many were claimed in this run so far: every eighth is the oldest, so that a low priority is served at last. */
  turn: number
}

/** Takes the mutations that may be sent next, and puts a lease on each. */
export async function claimIn(tx: QueueTransaction, options: ClaimOptions): Promise<Claim> {
  const claim: Claim = { claimed: [], unsendable: [], isStopped: await isStopped(tx) }
  if (options.limit <= 0 || claim.isStopped) return claim
  await promoteDue(tx, options.now)
  for (const mutation of await pick(tx, options)) {
    const leased = await move(tx, withLease(mutation, options), { in: 'sending' })
    const body = await readBody(tx, leased)
    const reason = whyNot(leased, body, options.now)
    if (reason) claim.unsendable.push({ mutation: leased, reason })
    else claim.claimed.push({ mutation: leased, body })
  }
  const [next] = await firstKeys(tx, boundsOf('delayed'), 1)
  if (next !== undefined) claim.nextDueAt = dueTimeOf(next)
  return claim
}

async function isStopped(tx: QueueTransaction): Promise<boolean> {
  const meta = tx.objectStore('meta')
  return (await Promise.all([meta.count(PAUSED_KEY), meta.count(HELD_KEY)])).some(there => there > 0)
}

/** How many that became due one transaction makes ready; the next ones follow in the next. */
const PROMOTED = 100

async function promoteDue(tx: QueueTransaction, now: number): Promise<void> {
  const { lower, upper } = dueUpTo(now)
  const due: Mutation[] = await tx.objectStore('mutations').getAll(IDBKeyRange.bound(lower, upper), PROMOTED)
  for (const mutation of due) await move(tx, mutation, { in: 'ready' })
}

/** Of what is ready: by priority, then age, over all origins that have room. Keys only; nothing else is read. */
async function pick(tx: QueueTransaction, options: ClaimOptions): Promise<Mutation[]> {
  const lanes = await readLanes(tx, options)
  const picked = new Set<string>()
  while (picked.size < options.limit) {
    const isOldestsTurn = (options.turn + picked.size) % OLDEST_EVERY === OLDEST_EVERY - 1
    const open = lanes.filter(({ slots }) => slots > 0)
    const key = isOldestsTurn ? await oldest(tx, open, picked) : best(open, picked)
    if (key === undefined) break
    picked.add(key)
    const lane = open.find(({ origin }) => origin === readyParts(key).origin)
    if (lane) lane.slots -= 1
  }
  const store = tx.objectStore('mutations')
  return Promise.all([...picked].map(key => store.get(key) as Promise<Mutation>))
}

const OLDEST_EVERY = 8

interface Lane {
  origin: string
  slots: number
  /** The keys that come first, by priority and age. */
  keys: string[]
}

async function readLanes(tx: QueueTransaction, { limit, slots }: ClaimOptions): Promise<Lane[]> {
  const lanes: Lane[] = []
  const { upper } = boundsOf('ready')
  let { lower } = boundsOf('ready')
  for (;;) {
    const [key] = await firstKeys(tx, { lower, upper }, 1)
    if (key === undefined) return lanes
    const { origin } = readyParts(key)
    const prefix = readyPrefix(origin)
    const room = Math.min(limit, slots(origin))
    if (room > 0) {
      lanes.push({ origin, slots: room, keys: await firstKeys(tx, { lower: prefix, upper: `${prefix}}` }, limit) })
    }
    lower = `${prefix}}`
  }
}

function best(lanes: Lane[], picked: ReadonlySet<string>): string | undefined {
  const firsts = lanes.flatMap(({ keys }) => keys.find(key => !picked.has(key)) ?? [])
  return firsts.sort((a, b) => compare(orderOf(a), orderOf(b)))[0]
}

/** The oldest of any priority: the first key of each rank is the oldest of that rank. */
async function oldest(tx: QueueTransaction, lanes: Lane[], picked: ReadonlySet<string>): Promise<string | undefined> {
  const found: string[] = []
  for (const { origin } of lanes) {
    const prefix = readyPrefix(origin)
    for (let lower = prefix; ; ) {
      const keys: string[] = await firstKeys(tx, { lower, upper: `${prefix}}` }, picked.size + 1)
      const first = keys[0]
      if (first === undefined) break
      found.push(...keys.filter(key => !picked.has(key)).slice(0, 1))
      lower = `${prefix}${readyParts(first).rank}}`
    }
  }
  return found.sort((a, b) => compare(readyParts(a).sequence, readyParts(b).sequence))[0]
}

function orderOf(key: string): string {
  const { rank, sequence } = readyParts(key)
  return `${rank}|${sequence}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

async function firstKeys(
  tx: QueueTransaction,
  { lower, upper }: { lower: string; upper: string },
  count: number,
): Promise<string[]> {
  const range = IDBKeyRange.bound(lower, upper)
  return (await tx.objectStore('mutations').getAllKeys(range, count)) as string[]
}

function withLease(mutation: Mutation, { holder, now, leaseMs }: ClaimOptions): Mutation {
  const token = mutation.fence + 1
  const { nextAttemptAt: _due, ...rest } = mutation
  return { ...rest, fence: token, lastAttemptAt: now, lease: { holder, token, until: now + leaseMs } }
}

function whyNot(
  { body, createdAt, expiresAt, failures, retry }: Mutation,
  read: unknown,
  now: number,
): Unsendable['reason'] | undefined {
  if (expiresAt !== undefined && now > expiresAt) return 'expired'
  // Whatever was never tried is tried: a clock that was wrong when it was made must not bury it.
  if (failures > 0 && now - createdAt > retry.maxAgeMs) return 'expired'
  // An empty body in place of the one that was given would be another write.
  return read === undefined && body.kind !== 'none' ? 'body-lost' : undefined
}

async function readBody(tx: QueueTransaction, { body }: Mutation): Promise<string | ArrayBuffer | undefined> {
  if (body.kind === 'json' || body.kind === 'text') return body.text
  if (body.kind === 'bytes') return body.bytes
  return body.kind === 'apart' ? tx.objectStore('blobs').get(body.blobKey) : undefined
}
