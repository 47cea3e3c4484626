import type { Mutation } from '../protocol/mutation.ts'
import type { Storage } from '../storage/open-storage.ts'
import { PAUSED_KEY } from './pause.ts'

/** A mutation under a lease, with the body to send. */
export interface Claimed {
  kind: 'claimed'
  mutation: Mutation
  body: string | ArrayBuffer | undefined
}

/** What the queue has for a sender now. `wait`: nothing is due before `until` (milliseconds since the epoch). */
export type Claim =
  | Claimed
  | { kind: 'unsendable'; mutation: Mutation; reason: 'expired' | 'body-lost' }
  | { kind: 'wait'; until: number }
  | { kind: 'empty' }
  | { kind: 'paused' }

export interface ClaimOptions {
  holder: string
  now: number
  leaseMs: number
  /**
   * A mutation that failed for want of a network before this time is due at once: the one who drains has reason to
   * think that the network is back. Milliseconds since the epoch; 0 for no such reason.
   */
  eagerBefore: number
  /** Whether the caller holds the drain lock, so that a lease of anybody else is a dead holder's. */
  exclusive: boolean
  /** Origins that do not answer, and when each may be tried again (milliseconds since the epoch). */
  unreachable: ReadonlyMap<string, number>
}

/**
 * Takes the next mutation that may be sent and puts a lease on it, in one transaction. Per entity it is always the
 * first one that waits: while that is delayed or on its way, the entity gives nothing.
 */
export function claimNext(storage: Storage, options: ClaimOptions): Promise<Claim> {
  return storage.transact(
    ['mutations', 'blobs', 'meta'],
    'readwrite',
    async tx => {
      if (await tx.objectStore('meta').get(PAUSED_KEY)) return { kind: 'paused' }
      const mutations = tx.objectStore('mutations')
      const found = await findNext(mutations, options)
      if (found.kind !== 'found') return found
      const leased = withLease(found.mutation, options)
      await mutations.put(leased, leased.key)
      return toClaim(leased, await readBody(leased, tx.objectStore('blobs')), options.now)
    },
    // A lease that a power cut takes away is one whose holder is gone.
    { durability: 'relaxed' },
  )
}

function toClaim(mutation: Mutation, body: string | ArrayBuffer | undefined, now: number): Claim {
  if (now - mutation.createdAt > mutation.retry.maxAgeMs) return { kind: 'unsendable', mutation, reason: 'expired' }
  // An empty body in place of the one that was given would be another write.
  if (body === undefined && mutation.body.kind !== 'none') return { kind: 'unsendable', mutation, reason: 'body-lost' }
  return { kind: 'claimed', mutation, body }
}

type Found = { kind: 'found'; mutation: Mutation } | { kind: 'wait'; until: number } | { kind: 'empty' }

interface ReadableStore {
  getAll(range: IDBKeyRange | null, count: number): Promise<Mutation[]>
}

/** How many records one step of the search reads: few enough for memory, enough to pass a waiting entity quickly. */
const PAGE = 50

async function findNext(store: ReadableStore, options: ClaimOptions): Promise<Found> {
  const heldEntities = new Set<string>()
  let soonest = Number.POSITIVE_INFINITY
  let range: IDBKeyRange | null = null
  for (;;) {
    const page: Mutation[] = await store.getAll(range, PAGE)
    for (const mutation of page) {
      if (mutation.entity !== undefined && heldEntities.has(mutation.entity)) continue
      const dueAt = dueTime(mutation, options)
      if (dueAt <= options.now) return { kind: 'found', mutation }
      soonest = Math.min(soonest, dueAt)
      if (mutation.entity !== undefined) heldEntities.add(mutation.entity)
    }
    const last = page.at(-1)
    if (!last || page.length < PAGE) break
    range = IDBKeyRange.lowerBound(last.key, true)
  }
  return soonest === Number.POSITIVE_INFINITY ? { kind: 'empty' } : { kind: 'wait', until: soonest }
}

/** When a mutation may be sent: a time that has passed, if now. */
function dueTime(mutation: Mutation, options: ClaimOptions): number {
  const { lease } = mutation
  const alive = lease && lease.until > options.now && (lease.holder === options.holder || !options.exclusive)
  if (alive) return lease.until
  return Math.max(attemptTime(mutation, options), options.unreachable.get(new URL(mutation.url).origin) ?? 0)
}

function attemptTime({ nextAttemptAt = 0, lastAttemptAt = 0, lastError }: Mutation, options: ClaimOptions): number {
  // The clock was set back since that attempt: the time noted then says nothing about now.
  if (lastAttemptAt > options.now) return 0
  const offline = lastError?.code === 'network' || lastError?.code === 'timeout'
  return offline && lastAttemptAt < options.eagerBefore ? 0 : nextAttemptAt
}

function withLease(mutation: Mutation, { holder, now, leaseMs }: ClaimOptions): Mutation {
  const token = mutation.fence + 1
  return { ...mutation, fence: token, lastAttemptAt: now, lease: { holder, token, until: now + leaseMs } }
}

async function readBody(
  { body }: Mutation,
  blobs: { get(key: string): Promise<string | ArrayBuffer | undefined> },
): Promise<string | ArrayBuffer | undefined> {
  if (body.kind === 'json' || body.kind === 'text') return body.text
  if (body.kind === 'bytes') return body.bytes
  return body.kind === 'apart' ? blobs.get(body.blobKey) : undefined
}
