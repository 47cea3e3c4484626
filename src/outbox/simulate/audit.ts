import { auditCommit } from './audit-commit.ts'
import { createDrainAudit, type DrainAudit } from './audit-drain.ts'
import { createPaceAudit } from './audit-pace.ts'
import { auditAnswer, auditRequest, decided } from './audit-request.ts'
import type { Context } from './context.ts'
import {
  type Claim,
  carrierOf,
  createLedger,
  idOf,
  type Ledger,
  type LedgerPorts,
  type Violation,
  type Write,
} from './ledger.ts'
import type { WriteSpec } from './plan.ts'
import type { Parcel } from './read-request.ts'
import type { ServerAnswer } from './server-model.ts'

/** Watches every commit, request and answer of a run, and says at once what must not be. */
export interface Audit {
  writes: Write[]
  violations: Violation[]
  /** What the run came through, and how often. */
  reached: ReadonlyMap<string, number>
  report(check: string, text: string): void
  called(caller: Context, spec: WriteSpec, target: number | undefined): Write
  /** With the id of the mutation that carries it. */
  recorded(write: Write, id: string): void
  rejected(write: Write, error: unknown): void
  /** A person asks for this; only then may it happen. */
  intends(what: 'cancel' | 'retry' | 'discard' | 'release', id: string): void
  /** A person says who may send. */
  ruled(): void
  committed(context: Context): void
  requested(context: Context, parcel: Parcel): void
  /** The head of an answer has arrived; nothing where nothing has left the device. */
  answered(context: Context, parcel: Parcel, given: ServerAnswer | undefined): void
  /** A request has its answer, or was given up. */
  ended(context: Context, parcel: Parcel): void
  /** A drain of a context is over, and none else is under way in it. */
  drained(context: Context): void
  begun: DrainAudit['begun']
  passed: DrainAudit['passed']
  /** Which write a key stands for. */
  numberOf(key: string): number | undefined
  claimsOf(context: Context): Map<string, Claim>
}

export function createAudit(ports: LedgerPorts): Audit {
  const ledger = createLedger(ports)
  const { writes, violations, report, intended, claimsOf, inFlight } = ledger
  const pace = createPaceAudit(ledger)
  const drains = createDrainAudit(ledger)
  let clock = 0

  return {
    writes,
    violations,
    reached: ledger.reached,
    report,
    claimsOf,
    begun: drains.begun,
    passed: drains.passed,
    ruled: drains.ruled,
    drained: context => auditDrained(ledger, context),

    intends(what, id) {
      intended.add(`${what} ${id}`)
      decided(ledger, id)
      drains.moved()
    },
    committed(context) {
      const before = ledger.queue
      auditCommit(ledger, context)
      drains.committed(context, before)
    },
    requested(context, parcel) {
      drains.moved()
      auditRequest(ledger, context, parcel)
      pace.requested(context, parcel)
    },
    answered(context, parcel, given) {
      auditAnswer(ledger, parcel, given)
      pace.answered(context, parcel, given)
    },
    ended(context, parcel) {
      drains.moved()
      inFlight.set(context, (inFlight.get(context) ?? 0) - 1)
      pace.ended(context, parcel)
    },
    numberOf(key) {
      const id = ledger.keys.get(key) ?? key
      return id.startsWith('write-') ? Number(id.slice('write-'.length)) : undefined
    },

    called(caller, spec, target) {
      drains.moved()
      const number = writes.length
      clock += 1
      const flags = { wasRejected: false, wasStored: false, wasRetried: false, saidCancelled: false }
      const write: Write = { number, id: idOf(number), spec, target, caller, calledAt: clock, ...flags }
      writes.push(write)
      return write
    },
    recorded(write, id) {
      clock += 1
      write.recordedAt = clock
      if (carrierOf(write).id !== id) report('the receipt is that of its carrier', `${write.id} was told ${id}.`)
      if (!write.wasStored) report('recorded means stored', `${write.id} was acknowledged, and is not in the database.`)
    },
    rejected(write, error) {
      write.wasRejected = true
      if (!write.wasStored) return
      report('a rejected write leaves nothing', `${write.id} is stored, and mutate() said: ${error}`)
    },
  }
}

function auditDrained({ queue, report }: Ledger, context: Context): void {
  for (const { id, lease } of queue.values()) {
    if (lease?.holder === context.name)
      report('a drain leaves no lease', `${context.name} ended, and still holds ${id}.`)
  }
}
