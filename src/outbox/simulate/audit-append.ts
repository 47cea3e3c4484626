import type { Mutation } from '../../protocol/mutation.ts'
import { PRINCIPAL_KEY } from '../principal.ts'
import { cancelledKey } from '../settled.ts'
import { carriedBy, carrierOf, type Ledger, reach, thingOf, type Write, writeOf } from './ledger.ts'

const ABSORBED = 'absorbed:'

/** Notes who uses the app now. */
export function auditPresent(ledger: Ledger): void {
  const principal = ledger.database().records<string>('meta').get(PRINCIPAL_KEY)
  if (principal !== ledger.present.principal) ledger.present = { principal, since: ledger.now() }
  ledger.latest = Math.max(ledger.latest, ledger.wallClock())
}

/** What was taken in by another one, and whether it might. */
export function auditAbsorbed(ledger: Ledger, before: ReadonlyMap<string, Mutation>): void {
  for (const [key, by] of ledger.database().records<string>('meta')) {
    if (!key.startsWith(ABSORBED)) continue
    const write = writeOf(ledger, key.slice(ABSORBED.length))
    const carrier = writeOf(ledger, by)
    if (!write || !carrier || write.carrier) continue
    const waiting = before.get(by) ?? ledger.queue.get(by)
    if (write.wasRejected) ledger.report('a rejected write leaves nothing', `${write.id} was taken in by ${by}.`)
    // One transaction may store it, put another one onto it, and cancel both out.
    if (waiting && (waiting.fence > 0 || waiting.lease)) {
      ledger.report('only what was never attempted takes in another', `${write.id} was put onto ${by}.`)
    }
    if (thingOf(write) !== thingOf(carrier) || write.principal !== carrier.principal) {
      ledger.report('only of one thing', `${write.id} was put onto ${by}, which is about something else.`)
    }
    write.carrier = carrier
    reach(ledger, 'joined')
    write.wasStored = true
  }
}

/** What was cancelled before anybody saw it in the queue: it deletes what one that waited would have made. */
export function auditCancelledOut(ledger: Ledger): void {
  const { writes, database } = ledger
  const meta = database().records('meta')
  for (const write of writes) {
    if (write.wasStored || write.carrier || !meta.has(cancelledKey(write.id))) continue
    Object.assign(write, { wasStored: true, wasCancelledOut: true })
    reach(ledger, 'cancelled out')
    for (const one of carriedBy(ledger, write)) one.outcome = 'cancelled'
  }
}

/** Whether a write has left the queue because one that deletes what it makes came after it, and neither was sent. */
export function auditPair({ writes, report }: Ledger, write: Write, old: Mutation): boolean {
  const other = writes.find(
    one => one.wasCancelledOut && one.target !== undefined && carrierOf(writes[one.target] ?? one) === write,
  )
  if (other && old.fence > 0) report('cancel', `${write.id} was attempted, and cancelled out by ${other.id}.`)
  return other !== undefined
}

/** What is new never makes more than may wait. What comes back from the dead letters may. */
export function auditRoom({ environment, queue, writes, report }: Ledger, before: ReadonlyMap<string, Mutation>): void {
  const { limit = Number.POSITIVE_INFINITY } = environment
  if (queue.size <= Math.max(limit, before.size)) return
  const isNew = writes.some(({ id, wasStored }) => !wasStored && queue.has(id))
  if (isNew) report('the limit holds', `${queue.size} wait, and ${limit} may.`)
}
