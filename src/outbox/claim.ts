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
  /** Whether the caller holds the drain lock. */
  exclusive: boolean
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
  const picked: string[] = []
  while (picked.length < options.limit) {
    const isOldestsTurn = (options.turn + picked.length) % OLDEST_EVERY === OLDEST_EVERY - 1
    const open = lines.filter(({ slots }) => slots > 0)
    const next = isOldestsTurn ? await oldest(queue, open) : best(open)
    if (!next) break
    picked.push(next.rank.keys.shift() ?? '')
    next.line.slots -= 1
  }
  const store = queue.tx.objectStore('mutations')
  return { picked: await Promise.all(picked.map(key => store.get(key) as Promise<Mutation>)), full }
}

const OLDEST_EVERY = 8

/** What is ready for one origin. */
interface Line {
  prefix: string
  slots: number
  /** By priority, the highest first. Those behind what was read are not in it, unless `isWhole`. */
  ranks: Rank[]
  isWhole: boolean
}

/** What is ready of one priority. */
interface Rank {
  /** Those that come first and are not picked, by age. */
  keys: string[]
  /** After which key there may be more. */
  last: string
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
      lines.push({ prefix, slots: room, ranks: ranksOf(keys), isWhole: keys.length < room })
    }
    lower = `${prefix}}`
  }
}

function ranksOf(keys: string[]): Rank[] {
  const ranks: Rank[] = []
  for (const key of keys) {
    const rank = ranks.at(-1)
    if (rank && readyParts(rank.last).rank === readyParts(key).rank) {
      rank.keys.push(key)
      rank.last = key
    } else ranks.push({ keys: [key], last: key })
  }
  return ranks
}

interface Next {
  line: Line
  rank: Rank
}

/** As many were read of each line as it has slots, so that what comes next is among them. */
function best(lines: Line[]): Next | undefined {
  return first(
    lines.flatMap(line => {
      const rank = line.ranks.find(({ keys }) => keys.length > 0)
      return rank ? [{ line, rank }] : []
    }),
    key => `${readyParts(key).rank}|${readyParts(key).sequence}`,
  )
}

/** The oldest of any priority: the first key of each rank is the oldest of that rank. */
async function oldest(queue: Queue, lines: Line[]): Promise<Next | undefined> {
  const firsts: Next[] = []
  for (const line of lines) {
    await readRanks(queue, line)
    for (const rank of line.ranks) {
      if (rank.keys.length === 0) await readMore(queue, line, rank)
      if (rank.keys.length > 0) firsts.push({ line, rank })
    }
  }
  return first(firsts, key => readyParts(key).sequence)
}

/** Finds the ranks behind what was read of a line. */
async function readRanks(queue: Queue, line: Line): Promise<void> {
  const upper = `${line.prefix}}`
  while (!line.isWhole) {
    const last = line.ranks.at(-1)
    const lower = last ? `${line.prefix}${readyParts(last.last).rank}}` : line.prefix
    const [key] = await firstKeys(queue, { lower, upper }, 1)
    if (key === undefined) line.isWhole = true
    else line.ranks.push({ keys: [key], last: key })
  }
}

/** What is picked of a rank are always its oldest, so that the next ones are behind the last that was read. */
async function readMore(queue: Queue, { prefix }: Line, rank: Rank): Promise<void> {
  const upper = `${prefix}${readyParts(rank.last).rank}}`
  rank.keys = await firstKeys(queue, { lower: `${rank.last} `, upper }, OLDEST_EVERY)
  rank.last = rank.keys.at(-1) ?? rank.last
}

function first(all: Next[], orderOf: (key: string) => string): Next | undefined {
  let found: { next: Next; order: string } | undefined
  for (const next of all) {
    const order = orderOf(next.rank.keys[0] ?? '')
    if (!found || order < found.order) found = { next, order }
  }
  return found?.next
}

async function firstKeys(queue: Queue, { lower, upper }: KeyRange, count: number): Promise<string[]> {
  const range = IDBKeyRange.bound(lower, upper)
  return (await queue.tx.objectStore('mutations').getAllKeys(range, count)) as string[]
}

function withLease(mutation: Mutation, { holder, now, leaseMs, exclusive }: ClaimOptions): Mutation {
  const token = mutation.fence + 1
  const { nextAttemptAt: _due, ...rest } = mutation
  return {
    ...rest,
    fence: token,
    lastAttemptAt: now,
    lease: { holder, token, until: now + leaseMs, ...(!exclusive && { unlocked: true }) },
  }
}

function isExpired({ createdAt, expiresAt, failures, retry }: Mutation, now: number): boolean {
  if (expiresAt !== undefined && now > expiresAt) return true
  // Whatever was never tried is tried: a clock that was wrong when it was made must not bury it.
  return failures > 0 && now - createdAt > retry.maxAgeMs
}
