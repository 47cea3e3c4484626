import type { Context } from './context.ts'
import type { Ledger } from './ledger.ts'
import type { Parcel } from './read-request.ts'
import type { ServerAnswer } from './server-model.ts'

/** Watches how fast each origin is asked. */
export interface PaceAudit {
  requested(context: Context, parcel: Parcel): void
  ended(context: Context, parcel: Parcel): void
  answered(context: Context, parcel: Parcel, given: ServerAnswer | undefined): void
}

/** What was dispatched when the answer came may still be on its way through the auth provider and the database. */
const GRACE_MS = 500
const DEFAULT_MOST = 6

interface Rest {
  /** Who heard of it; where that one dies before it is on record, nobody knows. */
  context: Context
  from: number
  until: number
  /** A quota gives way to `Retry-After`. */
  isQuota?: boolean
}

export function createPaceAudit(ledger: Ledger): PaceAudit {
  const { report, environment, now } = ledger
  const { most = DEFAULT_MOST, delayMs = 0 } = environment
  const underWay = new Map<string, number>()
  const rests = new Map<string, Rest>()
  const lastAt = new Map<string, number>()
  const nameOf = (context: Context, { origin }: Parcel) => `${context.name} to ${origin}`

  function auditRest(context: Context, origin: string, what: string): void {
    const rest = rests.get(what)
    // Whoever could not put it on record forgets it, and without locks one run may write over what another has learned.
    if (ledger.lockHolder() === undefined || ledger.planned.has('storage') || ledger.planned.has('open')) return
    if (!rest || rest.context !== context || context.frozenUntil > 0 || !ledger.planned.has('clock')) return
    if (now() <= rest.from + GRACE_MS || now() >= rest.until) return
    report('Retry-After is a floor', `${what} is asked ${rest.until - now()} ms before ${origin} wants it.`)
  }

  return {
    requested(context, parcel) {
      const name = nameOf(context, parcel)
      const count = (underWay.get(name) ?? 0) + 1
      underWay.set(name, count)
      // Without locks two runs of one context may be under way.
      if (ledger.lockHolder() !== undefined && count > most)
        report('no more at once than may be', `${name}: ${count}, and ${most} may be.`)
      // A repeat after a refresh follows at once, and is no request of its own.
      if (environment.refresh === undefined) {
        auditRest(context, parcel.origin, parcel.origin)
        const gap = now() - (lastAt.get(name) ?? Number.NEGATIVE_INFINITY)
        const isBatched = environment.batch !== undefined || ledger.planned.has('configure')
        if (gap < delayMs - GRACE_MS && !isBatched && ledger.lockHolder() !== undefined && !ledger.planned.has('clock'))
          if (context.frozenUntil === 0) report('the rest between two requests', `${name}: ${gap} ms, not ${delayMs}.`)
      }
      lastAt.set(name, now())
      for (const { number } of parcel.members) auditRest(context, parcel.origin, `write ${number}`)
    },
    ended(context, parcel) {
      const name = nameOf(context, parcel)
      underWay.set(name, (underWay.get(name) ?? 0) - 1)
    },
    answered(context, parcel, given) {
      if (!given) return
      const wait = (what: string, { status, headers }: ServerAnswer) => {
        const seconds = status === 429 || status === 503 ? Number(headers['retry-after'] ?? 0) : 0
        const until = now() + 1_000 * seconds
        const before = rests.get(what)
        if (seconds > 0 && (before?.isQuota || until > (before?.until ?? 0))) {
          rests.set(what, { context, from: now(), until })
        }
      }
      wait(parcel.origin, given)
      if (given.headers.ratelimit !== undefined && (rests.get(parcel.origin)?.until ?? 0) < now()) {
        rests.set(parcel.origin, { context, from: now(), until: now() + 8_000, isQuota: true })
      }
      for (const { request, answer } of given.members ?? []) wait(`write ${request.number}`, answer)
      if (!parcel.isBatch) wait(`write ${parcel.members[0]?.number}`, given)
    },
  }
}
