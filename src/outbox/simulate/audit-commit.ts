import type { Mutation } from '../../protocol/mutation.ts'
import { type SettledRecord, settledKey } from '../settled.ts'
import { auditAbsorbed, auditCancelledOut, auditPair, auditPresent, auditRoom } from './audit-append.ts'
import { auditCounters } from './audit-counters.ts'
import type { Context } from './context.ts'
import { carriedBy, conflictIds, deadIds, type Ledger, type Outcome, reach, type Write, writeOf } from './ledger.ts'

/** Compares the queue with what it was before a context's transaction, and says which changes were not that one's to make. */
export function auditCommit(ledger: Ledger, context: Context): void {
  const before = ledger.queue
  const records = ledger.database().records<Mutation>('mutations')
  ledger.queue = new Map([...records.values()].map(mutation => [mutation.id, mutation]))
  auditPresent(ledger)
  auditRoom(ledger, before)
  for (const [id, mutation] of ledger.queue) {
    const write = writeOf(ledger, id)
    const old = before.get(id)
    if (!write) ledger.report('no phantom', `Nobody called for ${id}.`)
    else if (!old) auditAdded(ledger, write, mutation)
    else if (old !== mutation) auditChanged(ledger, context, write, { old, now: mutation })
    if (mutation.idempotencyKey) ledger.keys.set(mutation.idempotencyKey, id)
    auditAttempts(ledger, mutation)
  }
  auditAbsorbed(ledger, before)
  auditCancelledOut(ledger)
  for (const [id, mutation] of before) {
    const write = writeOf(ledger, id)
    if (write && !ledger.queue.has(id)) auditRemoved(ledger, context, write, mutation)
  }
  // What one transaction stores comes from one tab, whose calls are numbered.
  for (const write of ledger.writes) if (write.wasStored) write.order ??= ledger.stored++
  auditDead(ledger)
  auditCounters(ledger)
}

function auditAdded(ledger: Ledger, write: Write, { lease, principal }: Mutation): void {
  const { report, intended } = ledger
  if (principal !== write.principal) {
    report('whose it is', `${write.id} was made by ${write.principal} and is stored as ${principal}'s.`)
  }
  if (write.wasRejected) report('a rejected write leaves nothing', `${write.id} is in the queue.`)
  if (lease) report('leases', `${write.id} comes into the queue under a lease.`)
  write.wasStored = true
  if (!write.outcome) return
  if (write.outcome !== 'dead' || !intended.has(`retry ${write.id}`)) {
    report('one outcome', `${write.id} is in the queue again, although it is ${write.outcome}.`)
  }
  for (const one of carriedBy(ledger, write)) one.outcome = undefined
  write.wasRetried = true
}

function auditChanged(ledger: Ledger, context: Context, write: Write, { old, now }: Record<'old' | 'now', Mutation>) {
  const { report, claimsOf } = ledger
  const isMine = owns(ledger, context, old)
  if (now.held && !old.held) reach(ledger, 'held')
  // Whoever takes over counts the attempt that was cut off.
  const isTakenOver = old.lease && !now.lease && mayTake(ledger, context, old)
  const isReleased = old.held && !now.held && ledger.intended.has(`release ${write.id}`)
  if (isReleased) return
  if (now.attempts !== old.attempts || (now.failures !== old.failures && !isTakenOver))
    assertFence(ledger, context, old)
  if (now.fence < old.fence) report('fence', `The fence of ${write.id} went back from ${old.fence} to ${now.fence}.`)
  const { lease } = now
  if (lease?.token === old.lease?.token) return
  if (old.lease && !isMine && !mayTake(ledger, context, old)) {
    report('leases', `${context.name} ended the lease of a living holder on ${write.id}.`)
  }
  if (isMine) claimsOf(context).delete(write.id)
  if (!lease) return
  if (old.held) report('held is held', `${write.id} is claimed, and no person has decided about it.`)
  if (now.principal !== ledger.present.principal) {
    report('whose it is', `${write.id} of ${now.principal} is claimed while ${ledger.present.principal} is here.`)
  }
  if ((now.notBefore ?? 0) > ledger.latest) report('not before its time', `${write.id} is claimed too early.`)
  if (lease.token <= old.fence) report('fence', `${write.id} got a token that it had before.`)
  claimsOf(context).set(write.id, { lease, isAnswered: false })
  auditTurn(ledger, now)
}

/** What is claimed is the first of its entity, and the only one that is being sent. */
function auditTurn(ledger: Ledger, { id, entity, sequence }: Mutation): void {
  if (entity === undefined) return
  for (const other of ledger.queue.values()) {
    if (other.entity !== entity || other.id === id || (other.sequence > sequence && !isLive(ledger, other))) continue
    ledger.report('one at a time within an entity', `${id} is claimed, and ${other.id} is before it or being sent.`)
  }
}

function auditAttempts({ answers, report }: Ledger, { id, attempts }: Mutation): void {
  const answered = answers.get(id) ?? 0
  if (attempts <= answered) return
  report('being offline costs no attempts', `${id} counts ${attempts} attempts; ${answered} were answered.`)
}

function auditRemoved(ledger: Ledger, context: Context, write: Write, old: Mutation): void {
  const { report, intended, server, claimsOf } = ledger
  const { id, number } = write
  const outcomes = outcomesOf(ledger, write)
  const [outcome] = outcomes
  if (!outcome || outcomes.length !== 1) {
    report('it leaves the queue with its outcome', `${id} left the queue as ${outcomes.join(' and ') || 'nothing'}.`)
  }
  const isIntended = () => intended.has(`cancel ${id}`) || auditPair(ledger, write, old)
  if (outcome === 'cancelled' && !isIntended()) report('cancel', `Nobody cancelled ${id}.`)
  if (outcome === 'cancelled' && isLive(ledger, old)) report('cancel', `${id} was cancelled while it was being sent.`)
  if (outcome === 'confirmed' && !server().hasEffect(number)) {
    report('confirmed means done', `${id} is confirmed, and the server has not done it.`)
  }
  if (outcome !== 'cancelled') assertFence(ledger, context, old)
  if (outcome === 'confirmed' || outcome === 'cancelled') assertNoBody(ledger, id)
  for (const one of carriedBy(ledger, write)) one.outcome = outcome
  claimsOf(context).delete(id)
}

function outcomesOf(ledger: Ledger, { id, number }: Write): Outcome[] {
  const database = ledger.database()
  const outcomes: Outcome[] = []
  const kind = database.records<SettledRecord>('meta').get(settledKey(id))?.settlement.kind
  if (deadIds(database).has(id)) outcomes.push('dead')
  if (conflictIds(database).has(id)) outcomes.push('conflict')
  if (kind === 'confirmed' || kind === 'cancelled') outcomes.push(kind)
  if (outcomes.length === 0 && ledger.wasFull() && ledger.server().hasEffect(number)) outcomes.push('confirmed')
  return outcomes
}

function auditDead(ledger: Ledger): void {
  const before = ledger.dead
  ledger.dead = deadIds(ledger.database())
  for (const id of before) {
    const write = writeOf(ledger, id)
    if (!write || ledger.dead.has(id) || ledger.queue.has(id)) continue
    if (!ledger.intended.has(`discard ${id}`)) ledger.report('nothing is dropped', `The dead letter ${id} is gone.`)
    for (const one of carriedBy(ledger, write)) one.outcome = 'discarded'
  }
}

function owns({ claimsOf }: Ledger, context: Context, { id, lease }: Mutation): boolean {
  return lease !== undefined && claimsOf(context).get(id)?.lease.token === lease.token
}

/** Whether a lease may be ended by somebody else: it ran out, or its holder cannot live, since the lock is ours. */
function mayTake(ledger: Ledger, context: Context, mutation: Mutation): boolean {
  return !isLive(ledger, mutation) || (ledger.lockHolder() === context && !mutation.lease?.unlocked)
}

function isLive({ wallClock }: Ledger, { lease }: Mutation): boolean {
  return lease !== undefined && lease.until > wallClock()
}

function assertFence(ledger: Ledger, context: Context, old: Mutation): void {
  if (owns(ledger, context, old)) return
  const mine = ledger.claimsOf(context).get(old.id)?.lease.token ?? 'none'
  const text = `${context.name} settled ${old.id} with token ${mine}; it was under ${old.lease?.token ?? 'none'}.`
  ledger.report('who lost its lease changes nothing', text)
}

function assertNoBody({ database, report }: Ledger, id: string): void {
  for (const key of database().records('blobs').keys()) {
    if (key.includes(id)) report('bodies go with their mutations', `The body of ${id} is still there: ${key}.`)
  }
}
