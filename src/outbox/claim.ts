import { type Mutation, sizeOf } from '../protocol/mutation.ts'
import { laneOf, readyPrefix } from '../protocol/queue-key.ts'
import { boundsIn, dueTimeOf, dueUpTo, type KeyRange, readyParts } from '../protocol/queue-range.ts'
import type { Queue } from './change-queue.ts'
import { HELD_KEY, PAUSED_KEY } from './pause.ts'
import { PRINCIPAL_KEY } from './principal.ts'
import { move } from './queue-moves.ts'
import { readRequest, type SendableRequest } from './sendable-request.ts'

/** A mutation under a lease, with the request to send. */
export interface Claimed {
  mutation: Mutation
  request: SendableRequest
}

/** A mutation under a lease that cannot be sent, and why. */
export interface Unsendable {
  mutation: Mutation
  reason: 'expired' | 'body-lost' | 'reference-lost'
}

/** What the queue has for a sender now. */
export interface Claim {
  claimed: Claimed[]
  unsendable: Unsendable[]
  /** When the next delayed mutation is due; milliseconds since the epoch. */
  nextDueAt?: number
  /** Whether nobody may send: a person paused the queue, or has to sign in. */
  isStopped: boolean
  /** The origins for which something is ready and no room was. */
  full: string[]
  /** Whose mutations they are. */
  principal: string | undefined
}

export interface ClaimOptions {
  holder: string
  now: number
  leaseMs: number
  /** At most that many. */
  limit: number
  /** Bodies of at most that much, in bytes; one is taken however large it is, where `isEmptyHanded`. */
  bytes: number
  isEmptyHanded: boolean
  /** At most that many for an origin; 0 where it does not answer at the moment. */
  slots: (origin: string) => number
  /** How many were claimed in this run so far: every eighth is the oldest, so that a low priority is served at last. */
  turn: number
}

/** Takes the mutations that may be sent next, and puts a lease on each. */
export async function claimIn(queue: Queue, options: ClaimOptions): Promise<Claim> {
  const meta = queue.tx.objectStore('meta')
  const [paused, held, principal] = await Promise.all([PAUSED_KEY, HELD_KEY, PRINCIPAL_KEY].map(key => meta.get(key)))
  const isStopped = paused !== undefined || held !== undefined
  const claim: Claim = { claimed: [], unsendable: [], isStopped, full: [], principal }
  if (options.limit <= 0 || isStopped) return claim
  const lane = laneOf(principal)
  await promoteDue(queue, lane, options.now)
  const { picked, full } = await pick(queue, lane, options)
  claim.full = full
  const taken = await Promise.all(withinBytes(picked, options).map(mutation => lease(queue, mutation, options)))
  for (const { leased, read } of taken) {
    if (read.kind === 'unsendable') claim.unsendable.push({ mutation: leased, reason: read.reason })
    else claim.claimed.push({ mutation: leased, request: read.request })
  }
  const [next] = await firstKeys(queue, boundsIn(lane, 'delayed'), 1)
  if (next !== undefined) claim.nextDueAt = dueTimeOf(next)
  return claim
}

/** As many as memory allows, the first of all however large it is. */
function withinBytes(picked: Mutation[], { bytes, isEmptyHanded }: ClaimOptions): Mutation[] {
  let left = bytes
  return picked.filter((mutation, index) => {
    left -= sizeOf(mutation)
    return left >= 0 || (index === 0 && isEmptyHanded)
  })
}

async function lease(queue: Queue, mutation: Mutation, options: ClaimOptions) {
  const leased = await move(queue, withLease(mutation, options), { in: 'sending' })
  return { leased, read: isExpired(leased, options.now) ? EXPIRED : await readRequest(queue, leased) }
}

const EXPIRED = { kind: 'unsendable', reason: 'expired' } as const

/** How many that became due one transaction makes ready; the next ones follow in the next. */
const PROMOTED = 100

async function promoteDue(queue: Queue, lane: string, now: number): Promise<void> {
  const { lower, upper } = dueUpTo(lane, now)
  const due: Mutation[] = await queue.tx.objectStore('mutations').getAll(IDBKeyRange.bound(lower, upper), PROMOTED)
  for (const mutation of due) await move(queue, mutation, { in: 'ready' })
}

/** Of what is ready: by priority, then age, over all origins that have room. Keys only; nothing else is read. */
async function pick(
  queue: Queue,
  lane: string,
  options: ClaimOptions,
): Promise<{ picked: Mutation[]; full: string[] }> {
  const { lines, full } = await readLines(queue, lane, options)
  const picked = new Set<string>()
  while (picked.size < options.limit) {
    const isOldestsTurn = (options.turn + picked.size) % OLDEST_EVERY === OLDEST_EVERY - 1
    const open = lines.filter(({ slots }) => slots > 0)
    const key = isOldestsTurn ? await oldest(queue, open, picked) : best(open, picked)
    if (key === undefined) break
    picked.add(key)
    const line = open.find(({ origin }) => origin === readyParts(key).origin)
    if (line) line.slots -= 1
  }
  const store = queue.tx.objectStore('mutations')
  return { picked: await Promise.all([...picked].map(key => store.get(key) as Promise<Mutation>)), full }
}

const OLDEST_EVERY = 8

/** What is ready for one origin. */
interface Line {
  origin: string
  prefix: string
  slots: number
  /** The keys that come first, by priority and age. */
  keys: string[]
}

async function readLines(
  queue: Queue,
  lane: string,
  { limit, slots }: ClaimOptions,
): Promise<{ lines: Line[]; full: string[] }> {
  const lines: Line[] = []
  const full: string[] = []
  const { upper } = boundsIn(lane, 'ready')
  let { lower } = boundsIn(lane, 'ready')
  for (;;) {
    const [key] = await firstKeys(queue, { lower, upper }, 1)
    if (key === undefined) return { lines, full }
    const { origin } = readyParts(key)
    const prefix = readyPrefix(lane, origin)
    const room = Math.min(limit, slots(origin))
    if (room <= 0) full.push(origin)
    else {
      const keys = await firstKeys(queue, { lower: prefix, upper: `${prefix}}` }, room)
      lines.push({ origin, prefix, slots: room, keys })
    }
    lower = `${prefix}}`
  }
}

function best(lines: Line[], picked: ReadonlySet<string>): string | undefined {
  const firsts = lines.flatMap(({ keys }) => keys.find(key => !picked.has(key)) ?? [])
  return firsts.sort((a, b) => compare(orderOf(a), orderOf(b)))[0]
}

/** The oldest of any priority: the first key of each rank is the oldest of that rank. */
async function oldest(queue: Queue, lines: Line[], picked: ReadonlySet<string>): Promise<string | undefined> {
  const found: string[] = []
  for (const { prefix } of lines) {
    for (let lower = prefix; ; ) {
      const keys: string[] = await firstKeys(queue, { lower, upper: `${prefix}}` }, picked.size + 1)
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

async function firstKeys(queue: Queue, { lower, upper }: KeyRange, count: number): Promise<string[]> {
  const range = IDBKeyRange.bound(lower, upper)
  return (await queue.tx.objectStore('mutations').getAllKeys(range, count)) as string[]
}

function withLease(mutation: Mutation, { holder, now, leaseMs }: ClaimOptions): Mutation {
  const token = mutation.fence + 1
  const { nextAttemptAt: _due, ...rest } = mutation
  return { ...rest, fence: token, lastAttemptAt: now, lease: { holder, token, until: now + leaseMs } }
}

function isExpired({ createdAt, expiresAt, failures, retry }: Mutation, now: number): boolean {
  if (expiresAt !== undefined && now > expiresAt) return true
  // Whatever was never tried is tried: a clock that was wrong when it was made must not bury it.
  return failures > 0 && now - createdAt > retry.maxAgeMs
}
