import type { DrainResult } from '../protocol/messages.ts'
import type { Mutation } from '../protocol/mutation.ts'
import { boundsOf } from '../protocol/queue-range.ts'
import type { Storage } from '../storage/open-storage.ts'
import { withLock } from '../tabs/lock.ts'
import { drain } from './drain.ts'
import type { DrainPorts } from './drain-run.ts'
import { readTally } from './read-tally.ts'

export interface DrainForPorts extends DrainPorts {
  lockName: string
  locks: LockManager | undefined
}

export interface DrainForOptions {
  /** How long the event that carries this may last, in milliseconds. */
  budgetMs: number
  /** Whether there is reason to think that the network is back. */
  eager: boolean
  /** With `eager`: what failed less than this before is left to its delay all the same. Default 0. */
  graceMs?: number
  /** Whether to end after one pass, although more will be due within the budget. Default false. */
  once?: boolean
  /** Called with what came of the first pass: nothing more is due at that moment. */
  onFirstPass?: (result: DrainResult) => void
}

/**
 * Drains until the queue has nothing that will be due within the budget. Each pass holds the drain lock; between two
 * passes nobody does, so that a wait for a retry keeps nobody else from sending.
 */
export async function drainFor(ports: DrainForPorts, options: DrainForOptions): Promise<DrainResult> {
  const { now, sleep, signal } = ports
  // A write that is recorded offline wakes the sender too. Nothing could be sent, so the database is left to the writes.
  if (!options.eager && !ports.isOnline()) {
    return { synced: 0, failed: 0, remaining: await pendingIn(ports.storage) }
  }
  const startedAt = now()
  const deadline = startedAt + options.budgetMs
  let eagerBefore = options.eager ? startedAt - (options.graceMs ?? 0) : 0
  let { onFirstPass } = options
  const total = { synced: 0, failed: 0 }
  for (;;) {
    const pass = await onePass(ports, { deadline, eagerBefore })
    if (!pass) return { ...total, remaining: await pendingIn(ports.storage) }
    onFirstPass?.(pass)
    onFirstPass = undefined
    total.synced += pass.synced
    total.failed += pass.failed
    const { nextAttemptAt } = pass
    const isDone = options.once || nextAttemptAt === undefined || nextAttemptAt >= deadline
    if (isDone || signal?.aborted) return { ...pass, ...total }
    await sleep(nextAttemptAt - now(), signal)
    eagerBefore = 0
  }
}

interface Pass {
  deadline: number
  eagerBefore: number
}

/**
 * One pass under the lock; undefined where somebody else held it for the whole time that was left. A lock whose holder
 * sends nothing is not waited for: its holder hangs, or its engine has not freed it (WebKit bug 316904). The leases alone
 * keep two senders apart then.
 */
async function onePass(ports: DrainForPorts, pass: Pass): Promise<DrainResult | undefined> {
  for (;;) {
    const left = pass.deadline - ports.now()
    const held = await underLock(ports, pass, Math.min(LOCK_PATIENCE_MS, left))
    if (held !== 'busy') return held
    if (left <= LOCK_PATIENCE_MS || ports.signal?.aborted) return undefined
    if (!(await isSending(ports))) return drain(ports, { ...pass, exclusive: false })
  }
}

async function underLock(ports: DrainForPorts, pass: Pass, patienceMs: number): Promise<DrainResult | 'busy'> {
  const left = ports.timeout(Math.max(0, patienceMs))
  const signal = ports.signal ? AbortSignal.any([left, ports.signal]) : left
  try {
    return await withLock(ports.lockName, ({ exclusive }) => drain(ports, { ...pass, exclusive }), {
      locks: ports.locks,
      signal,
    })
  } catch (error) {
    if (signal.aborted && error === signal.reason) return 'busy'
    throw error
  }
}

/** Whether anybody has a lease that has not run out. */
async function isSending({ storage, now }: DrainForPorts): Promise<boolean> {
  const { lower, upper } = boundsOf('sending')
  const leased = await storage.transact(['mutations'], 'readonly', tx =>
    tx.objectStore('mutations').getAll(IDBKeyRange.bound(lower, upper)),
  )
  return (leased as Mutation[]).some(({ lease }) => lease && lease.until > now())
}

/** So long one waits for the lock before looking whether its holder does anything. */
const LOCK_PATIENCE_MS = 5_000

async function pendingIn(storage: Storage): Promise<number> {
  const { pending, held } = await readTally(storage)
  return pending - held
}
