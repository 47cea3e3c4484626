import type { Mutation } from '../../protocol/mutation.ts'
import type { DeadRecord } from '../dead-record.ts'
import type { Audit } from './audit.ts'
import { checkDocuments } from './check-documents.ts'
import type { DeviceDatabase } from './device-database.ts'
import { carrierOf, conflictIds, deadIds, isCalledBefore, thingOf, type Write } from './ledger.ts'
import type { ServerModel } from './server-model.ts'

interface Ended {
  audit: Audit
  database: DeviceDatabase
  server: ServerModel
}

/** What must hold once everything has come to rest. What holds at each moment the audit has checked. */
export function checkEnd(ended: Ended): void {
  const { audit, database } = ended
  for (const mutation of movableIn(database)) {
    const { id, attempts, lease, nextAttemptAt } = mutation
    const why = JSON.stringify({ attempts, lease, nextAttemptAt })
    audit.report('it comes to rest', `${id} still waits, with the network up and visits for hours: ${why}`)
  }
  for (const write of audit.writes) checkWrite(ended, write)
  checkDead(ended)
  checkOrder(ended)
  checkDocuments(ended.audit.writes, ended.server)
    .filter(text => text !== '')
    .forEach(text => void audit.report('joined or not, the end is the same', text))
  checkBodies(ended)
}

/**
 * What waits and should go on. The rest is held up for a person to see: its parent is a dead letter or was cancelled, or
 * it is behind one that is held up.
 */
export function movableIn(database: DeviceDatabase): Mutation[] {
  const stuck = new Set<string>()
  let waiting = [...database.records<Mutation>('mutations').values()].sort((a, b) => a.sequence - b.sequence)
  for (;;) {
    const isStuck = ({ blockedBy, waitsFor = [], entity }: Mutation) =>
      blockedBy !== undefined ||
      waitsFor.some(id => stuck.has(id)) ||
      (entity !== undefined && stuck.has(`of ${entity}`))
    const found = waiting.find(isStuck)
    if (!found) return waiting
    stuck.add(found.id)
    waiting = waiting.filter(one => one !== found)
    // Those of its entity that were before it may go on.
    if (
      found.entity !== undefined &&
      !waiting.some(one => one.entity === found.entity && one.sequence < found.sequence)
    ) {
      stuck.add(`of ${found.entity}`)
    }
  }
}

function checkWrite({ audit, database, server }: Ended, write: Write): void {
  const { outcome, recordedAt, wasRejected, wasStored, saidCancelled, caller } = write
  const { id, number } = carrierOf(write)
  const isQueued = [...database.records<Mutation>('mutations').values()].some(mutation => mutation.id === id)
  const ends = [
    ...(isQueued ? ['waiting'] : []),
    ...(deadIds(database).has(id) ? ['dead'] : []),
    ...(conflictIds(database).has(id) ? ['conflict'] : []),
    ...(outcome && outcome !== 'dead' && outcome !== 'conflict' ? [outcome] : []),
  ]
  const known = ends.join(' and ') || 'lost'
  if (recordedAt !== undefined && ends.length !== 1) {
    audit.report('an acknowledged write has one end', `${id} was acknowledged and is ${known}.`)
  }
  if (wasStored && ends.length !== 1) audit.report('a stored write has one end', `${id} was stored and is ${known}.`)
  if (!wasStored && server.knows(write.number)) audit.report('no phantom', `${id} was never stored, and was sent.`)
  if (caller.alive && recordedAt === undefined && !wasRejected) {
    audit.report('mutate() answers', `${id} got no answer from mutate(), and its tab is alive.`)
  }
  if (outcome === 'confirmed' && !server.hasEffect(number)) {
    audit.report('confirmed means done', `${id} is confirmed, and the server has not done it.`)
  }
  if (saidCancelled && outcome !== 'cancelled') {
    audit.report('cancel', `cancel() said that ${id} is out of the queue, and it is ${known}.`)
  }
}

/** Reasons that say that the write has not happened. */
const NOT_DONE: string[] = ['refused', 'conflict']

/** What the server refused has not happened. Where attempts ran out, it may have. */
function checkDead({ audit, database, server }: Ended): void {
  for (const { mutation, reason } of database.records<DeadRecord>('dead').values()) {
    const write = audit.writes.find(({ id }) => id === mutation.id)
    if (!write || !NOT_DONE.includes(reason) || !server.hasEffect(write.number)) continue
    audit.report('refused means not done', `${write.id} is a dead letter (${reason}), and the server has done it.`)
  }
}

function checkOrder({ audit, server }: Ended): void {
  const done = server.effects.flatMap(({ key, number }) => (key ? (audit.writes[number] ?? []) : []))
  const counted = done.filter(({ outcome }) => outcome === 'confirmed')
  counted.forEach((later, place) => {
    const early = counted
      .slice(0, place)
      .find(one => thingOf(one) !== undefined && thingOf(one) === thingOf(later) && isCalledBefore(later, one))
    if (early)
      audit.report('order within an entity', `${early.id} took effect before ${later.id}, which was written first.`)
  })
}

function checkBodies({ audit, database }: Ended): void {
  const kept = [
    ...database.records<Mutation>('mutations').values(),
    ...[...database.records<DeadRecord>('dead').values()].map(({ mutation }) => mutation),
    ...[...database.records<{ mutation?: Mutation }>('conflicts').values()].flatMap(({ mutation }) => mutation ?? []),
  ]
  const needed = new Set(kept.flatMap(({ body }) => (body.kind === 'apart' ? [body.blobKey] : [])))
  const stored = new Set(database.records('blobs').keys())
  for (const key of stored) if (!needed.has(key)) audit.report('bodies go with their mutations', `${key} is nobody's.`)
  for (const key of needed) if (!stored.has(key)) audit.report('bodies stay with their mutations', `${key} is gone.`)
}
