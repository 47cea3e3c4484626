import { entityKey, type Lease, type Mutation } from '../../protocol/mutation.ts'
import type { DeadRecord } from '../dead-record.ts'
import type { Context } from './context.ts'
import type { DeviceDatabase } from './device-database.ts'
import type { Environment, WriteSpec } from './plan.ts'
import type { ServerModel } from './server-model.ts'

export interface Violation {
  check: string
  text: string
}

export type Outcome = 'confirmed' | 'dead' | 'conflict' | 'cancelled' | 'discarded'

/** One call of `mutate()`, and what became of it as far as anybody saw. */
export interface Write {
  number: number
  id: string
  spec: WriteSpec
  /** The write that makes what this one changes. */
  target?: number
  /** Whose it is, once the outbox has asked. */
  principal?: string
  /** The tab that called. */
  caller: Context
  calledAt: number
  /** When its promise was fulfilled. */
  recordedAt?: number
  wasRejected: boolean
  wasStored: boolean
  /** Its place among all that were ever stored. */
  order?: number
  /** The one that took it in. */
  carrier?: Write
  outcome?: Outcome
  /** It came back from the dead letters: the order of the calls says nothing any more. */
  wasRetried: boolean
  /** It never was in the queue, since it undoes one that waited there. */
  wasCancelledOut?: boolean
  /** Whether `cancel()` said that it is out of the queue. */
  saidCancelled: boolean
}

/** A context's own lease on a mutation. */
export interface Claim {
  lease: Lease
  /** Whether its request has ended: what follows is the settlement. */
  isAnswered: boolean
}

export interface LedgerPorts {
  environment: Environment
  /** The kinds of operations and faults in the plan: some make a check impossible. */
  planned: ReadonlySet<string>
  /** Virtual time. */
  now: () => number
  database: () => DeviceDatabase
  server: () => ServerModel
  wallClock: () => number
  /** Whether the device was full at times: then an end is recorded without its answer. */
  wasFull: () => boolean
  /** Who holds the drain lock; undefined where there are no locks. */
  lockHolder: () => Context | 'nobody' | undefined
}

/** What is known of a run so far, by which the next step is judged. */
export interface Ledger extends LedgerPorts {
  writes: Write[]
  violations: Violation[]
  report: (check: string, text: string) => void
  /** What a run came through, to know that the plans reach it. */
  reached: Map<string, number>
  /** The queue after the last commit, by id. */
  queue: Map<string, Mutation>
  dead: Set<string>
  /** What people asked for: `cancel write-0001`. */
  intended: Set<string>
  /** How many answers came that may count as attempts, by id. */
  answers: Map<string, number>
  /** How many requests of a context are under way. */
  inFlight: Map<Context, number>
  /** The ids of what has a key of its own, by that key. */
  keys: Map<string, string>
  /** How many writes were ever stored. */
  stored: number
  /** Who uses the app, and since when (virtual time). */
  present: { principal: string | undefined; since: number }
  /** The latest time that the device's clock ever showed. */
  latest: number
  /** What must not be sent again before a person says so, because an attempt may have arrived. */
  uncertain: Set<string>
  /** The present claims of a context, by id. */
  claimsOf: (context: Context) => Map<string, Claim>
}

export function createLedger(ports: LedgerPorts): Ledger {
  const violations: Violation[] = []
  const claims = new Map<Context, Map<string, Claim>>()
  return {
    ...ports,
    writes: [],
    violations,
    report: (check, text) => void violations.push({ check, text }),
    reached: new Map(),
    queue: new Map(),
    dead: new Set(),
    intended: new Set(),
    answers: new Map(),
    inFlight: new Map(),
    keys: new Map(),
    stored: 0,
    present: { principal: undefined, since: 0 },
    latest: 0,
    uncertain: new Set(),
    claimsOf(context) {
      const own = claims.get(context) ?? new Map<string, Claim>()
      claims.set(context, own)
      return own
    },
  }
}

/** Counts that something was reached. */
export function reach({ reached }: Pick<Ledger, 'reached'>, what: string): void {
  reached.set(what, (reached.get(what) ?? 0) + 1)
}

/** The id of a write; ids sort as UUIDs v7 do. */
export function idOf(number: number): string {
  return `write-${String(number).padStart(4, '0')}`
}

export function writeOf({ writes }: Ledger, id: string): Write | undefined {
  return writes[Number(id.replace('write-', ''))]
}

/** The write whose request carries this one. */
export function carrierOf(write: Write): Write {
  return write.carrier ?? write
}

/** The write itself, and those that it took in. */
export function carriedBy({ writes }: Pick<Ledger, 'writes'>, write: Write): Write[] {
  return [write, ...writes.filter(({ carrier }) => carrier === write)]
}

/** The same for writes about the same thing of the same person; nothing where one is about nothing. */
export function thingOf({ spec, principal }: Write): string | undefined {
  return spec.entity === undefined ? undefined : entityKey(spec.entity, principal)
}

/** Says whether the order of two calls is certain: one tab made them, or the first was known to be recorded. */
export function isCalledBefore(first: Write, second: Write): boolean {
  if (first === second || carrierOf(first).wasRetried || carrierOf(second).wasRetried) return false
  if (first.caller === second.caller) return first.calledAt < second.calledAt
  return first.recordedAt !== undefined && first.recordedAt < second.calledAt
}

export function deadIds(database: DeviceDatabase): Set<string> {
  return new Set([...database.records<DeadRecord>('dead').values()].map(({ mutation }) => mutation.id))
}

export function conflictIds(database: DeviceDatabase): Set<string> {
  const conflicts = database.records<{ id?: string; mutation?: Mutation }>('conflicts')
  return new Set([...conflicts].map(([key, { mutation, id }]) => mutation?.id ?? id ?? key))
}
