import { auditCommit } from './audit-commit.ts'
import type { Context } from './context.ts'
import {
  type Claim,
  createLedger,
  idOf,
  isCalledBefore,
  type Ledger,
  type LedgerPorts,
  type Violation,
  type Write,
  writeOf,
} from './ledger.ts'
import type { WriteSpec } from './plan.ts'

/** Watches every commit, request and answer of a run, and says at once what must not be. */
export interface Audit {
  writes: Write[]
  violations: Violation[]
  report(check: string, text: string): void
  called(caller: Context, spec: WriteSpec): Write
  recorded(write: Write): void
  rejected(write: Write, error: unknown): void
  /** A person asks for this; only then may it happen. */
  intends(what: 'cancel' | 'retry' | 'discard', id: string): void
  committed(context: Context): void
  requested(context: Context, key: string): void
  /** A request has its answer, or was given up. */
  ended(context: Context): void
  /** A drain of a context is over, and none else is under way in it. */
  drained(context: Context): void
  /** An answer has arrived that may count as an attempt. */
  answered(key: string): void
  claimsOf(context: Context): Map<string, Claim>
}

export function createAudit(ports: LedgerPorts): Audit {
  const ledger = createLedger(ports)
  const { writes, violations, report, intended, answers, claimsOf, inFlight } = ledger
  let clock = 0

  return {
    writes,
    violations,
    report,
    claimsOf,
    intends: (what, id) => void intended.add(`${what} ${id}`),
    committed: context => auditCommit(ledger, context),
    requested: (context, key) => auditRequest(ledger, context, key),
    ended: context => void inFlight.set(context, (inFlight.get(context) ?? 0) - 1),
    drained: context => auditDrained(ledger, context),
    answered: key => void answers.set(key, (answers.get(key) ?? 0) + 1),

    called(caller, spec) {
      const number = writes.length
      clock += 1
      const flags = { wasRejected: false, wasStored: false, wasRetried: false, saidCancelled: false }
      const write: Write = { number, id: idOf(number), spec, caller, calledAt: clock, ...flags }
      writes.push(write)
      return write
    },
    recorded(write) {
      clock += 1
      write.recordedAt = clock
      if (!write.wasStored) report('recorded means stored', `${write.id} was acknowledged, and is not in the database.`)
    },
    rejected(write, error) {
      write.wasRejected = true
      if (!write.wasStored) return
      report('a rejected write leaves nothing', `${write.id} is stored, and mutate() said: ${error}`)
    },
  }
}

function auditRequest(ledger: Ledger, context: Context, key: string): void {
  const { report } = ledger
  const holder = ledger.lockHolder()
  if (holder !== undefined && holder !== context) {
    const name = holder === 'nobody' ? holder : holder.name
    report('one context drains', `${context.name} sends ${key}, and the lock is held by ${name}.`)
  }
  ledger.inFlight.set(context, (ledger.inFlight.get(context) ?? 0) + 1)
  const other = [...ledger.inFlight].find(([one, count]) => one !== context && one.alive && count > 0)?.[0]
  if (holder !== undefined && other) {
    report('one context drains', `${context.name} sends ${key} while a request of ${other.name} is under way.`)
  }
  const write = writeOf(ledger, key)
  if (!write) {
    report('the key is the id', `A request has the key "${key}".`)
    return
  }
  const first = overtakenBy(ledger, write)
  if (first)
    report('order within an entity', `${write.id} is sent while ${first.id} waits, which was written before it.`)
  const parent = unmetParent(ledger, write)
  if (parent) report('dependencies', `${write.id} is sent, and ${parent.id}, which it depends on, is not confirmed.`)
}

function auditDrained({ queue, report }: Ledger, context: Context): void {
  for (const { id, lease } of queue.values()) {
    if (lease?.holder === context.name)
      report('a drain leaves no lease', `${context.name} ended, and still holds ${id}.`)
  }
}

function overtakenBy({ writes, queue }: Ledger, write: Write): Write | undefined {
  const { entity } = write.spec
  if (entity === undefined) return undefined
  return writes.find(other => other.spec.entity === entity && isCalledBefore(other, write) && queue.has(other.id))
}

function unmetParent({ writes, queue }: Ledger, write: Write): Write | undefined {
  const parent = write.spec.after === undefined ? undefined : writes[write.spec.after]
  if (!parent || !isCalledBefore(parent, write)) return undefined
  return queue.has(parent.id) || parent.outcome === 'dead' || parent.outcome === 'cancelled' ? parent : undefined
}
