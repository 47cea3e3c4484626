import type { DrainResult } from '../../protocol/messages.ts'
import type { Mutation } from '../../protocol/mutation.ts'
import { placeOf } from '../../protocol/queue-range.ts'
import { HELD_KEY, PAUSED_KEY } from '../pause.ts'
import { SETTLED_PREFIX } from '../settled.ts'
import { createStarvationAudit } from './audit-starvation.ts'
import type { Context } from './context.ts'
import type { Ledger } from './ledger.ts'

/** Watches that drains get on, leave nobody behind, and come to an end that says how it goes on. */
export interface DrainAudit {
  committed(context: Context, before: ReadonlyMap<string, Mutation>): void
  /** Something happened that may give a drain something to do. */
  moved(): void
  /** A person has said who may send. */
  ruled(): void
  /** A drain begins in a context; to be called when it is over. */
  begun(context: Context): () => void
  /** A pass of one is over, and says what it came to. */
  passed(context: Context, result: DrainResult): void
}

/** A turn, its end, and some for who is about to write; within this time, without a request or anything new. */
const MOST_COMMITS = 40
const WITHIN_MS = 2_000
/** Old answers are forgotten, metrics kept, and a write of the same tab recorded, after the last look at what is ready. */
const AFTER_LAST_TURN = 3

export function createDrainAudit(ledger: Ledger): DrainAudit {
  const { report, now } = ledger
  const commits = new Map<Context, { at: number; active: number }[]>()
  const readyAt = new Map<string, number>()
  const lastOf = new Map<Context, number[]>()
  const active = new Map<Context, number>()
  const starvation = createStarvationAudit(ledger)
  let ordinal = 0
  let rulings = 0
  const ruledAt = new Map<Context, number>()

  function auditSpin(context: Context): void {
    const before = (commits.get(context) ?? []).filter(({ at }) => at > now() - WITHIN_MS)
    const recent = [...before, { at: now(), active: active.get(context) ?? 0 }]
    commits.set(context, recent)
    // Each event of a worker that waits for a retry looks for itself.
    const most = MOST_COMMITS * Math.max(1, ...recent.map(one => one.active))
    if (recent.length > most)
      report(
        'a drain gets on',
        `${context.name} wrote ${recent.length} times in ${WITHIN_MS} ms, and nothing happened.`,
      )
  }

  return {
    moved: () => commits.clear(),
    ruled() {
      rulings += 1
    },
    committed(context, before) {
      ordinal += 1
      lastOf.set(context, [...(lastOf.get(context) ?? []), ordinal].slice(-AFTER_LAST_TURN - 1))
      auditSpin(context)
      starvation(before)
      for (const { id, key } of ledger.queue.values()) {
        const isReady = placeOf(key) === 'ready' || placeOf(key) === 'delayed'
        if (!isReady || before.get(id)?.key !== key) readyAt.delete(id)
        if (isReady && !readyAt.has(id)) readyAt.set(id, ordinal)
      }
    },
    begun(context) {
      active.set(context, (active.get(context) ?? 0) + 1)
      return () => void active.set(context, (active.get(context) ?? 0) - 1)
    },
    passed(context, { synced, failed, nextAttemptAt }) {
      if (synced + failed > 0) auditAnswers(ledger)
      const ruled = (ruledAt.get(context) ?? 0) !== rulings
      ruledAt.set(context, rulings)
      // Without locks somebody else may be at it. Whoever says who may send wakes a drain by that.
      if (nextAttemptAt !== undefined || ruled || ledger.lockHolder() !== context || isStopped(ledger)) return
      const [last = 0] = lastOf.get(context) ?? []
      const left = [...ledger.queue.values()].find(
        one => isOfPresent(ledger, one) && (readyAt.get(one.id) ?? last) < last,
      )
      if (left) report('a drain says when to come again', `${context.name} ended, and ${left.id} waits at ${left.key}.`)
    },
  }
}

function isOfPresent({ present }: Ledger, { principal, key }: Mutation): boolean {
  return principal === present.principal && (placeOf(key) === 'ready' || placeOf(key) === 'delayed')
}

function isStopped({ database, planned }: Ledger): boolean {
  const meta = database().records('meta')
  return meta.has(PAUSED_KEY) || meta.has(HELD_KEY) || planned.has('offline')
}

/** Cancelled ones come on top, until somebody drains again. */
const ON_TOP = 12

function auditAnswers({ database, environment, report }: Ledger): void {
  const { answers = Number.POSITIVE_INFINITY } = environment
  const count = [...database().records('meta').keys()].filter(key => key.startsWith(SETTLED_PREFIX)).length
  if (count > answers + ON_TOP) report('kept answers are bounded', `${count} answers are kept, and ${answers} may be.`)
}
