import type { Context } from './context.ts'
import { carriedBy, carrierOf, isCalledBefore, type Ledger, reach, thingOf, type Write, writeOf } from './ledger.ts'
import type { Parcel } from './read-request.ts'
import type { ServerAnswer, ServerRequest } from './server-model.ts'
import { ORIGINS, parentsOf, pathOf, referredBy } from './write-input.ts'

/** What must be so whenever something is sent. */
export function auditRequest(ledger: Ledger, context: Context, { members, label, isBatch }: Parcel): void {
  const { report } = ledger
  if (isBatch) reach(ledger, 'batch')
  const holder = ledger.lockHolder()
  // Whoever freezes with the lock is passed by when its leases have run out; from then on leases keep senders apart.
  const isStrict = holder !== undefined && !['freeze', 'freeze-sender'].some(kind => ledger.planned.has(kind))
  if (isStrict && holder !== context) {
    const name = holder === 'nobody' ? holder : holder.name
    report('one context drains', `${context.name} sends ${label}, and the lock is held by ${name}.`)
  }
  ledger.inFlight.set(context, (ledger.inFlight.get(context) ?? 0) + 1)
  const other = [...ledger.inFlight].find(([one, count]) => one !== context && one.alive && count > 0)?.[0]
  if (isStrict && other) {
    report('one context drains', `${context.name} sends ${label} while a request of ${other.name} is under way.`)
  }
  for (const request of members) auditMember(ledger, context, request)
}

function auditMember(ledger: Ledger, context: Context, request: ServerRequest): void {
  const { report } = ledger
  const write = ledger.writes[request.number]
  if (!write || request.writes.some(number => carrierOf(ledger.writes[number] ?? write) !== write)) {
    report('the key is the id', `A request with the key "${request.key}" says that it is ${request.writes}.`)
    return
  }
  for (const one of carriedBy(ledger, write)) {
    const first = overtakenBy(ledger, one, write)
    if (first)
      report('order within an entity', `${write.id} is sent while ${first.id} waits, which was written before it.`)
    const parent = unmetParent(ledger, one, write)
    if (parent) report('dependencies', `${write.id} is sent, and ${parent.id}, which it depends on, is not confirmed.`)
  }
  auditReferences(ledger, write, request)
  auditOwner(ledger, context, write, request)
  auditTimes(ledger, context, write)
  auditHold(ledger, write)
}

function overtakenBy({ writes, queue }: Ledger, write: Write, sent: Write): Write | undefined {
  const thing = thingOf(write)
  if (thing === undefined) return undefined
  const waits = (other: Write) => carrierOf(other) !== sent && queue.has(carrierOf(other).id)
  return writes.find(other => thingOf(other) === thing && isCalledBefore(other, write) && waits(other))
}

function unmetParent({ writes, queue }: Ledger, write: Write, sent: Write): Write | undefined {
  // An edit by a person may have taken it away.
  if (sent.wasRetried) return undefined
  for (const number of parentsOf(write)) {
    const parent = writes[number]
    if (!parent || carrierOf(parent) === sent || !isStoredBefore(parent, write)) continue
    const { id, outcome } = carrierOf(parent)
    if (queue.has(id) || outcome === 'dead' || outcome === 'cancelled') return parent
  }
  return undefined
}

/** An app knows an id once `mutate()` has given it; within an entity the order of the calls will do. */
function isStoredBefore(parent: Write, write: Write): boolean {
  const isKnown = parent.recordedAt !== undefined && parent.recordedAt < write.calledAt
  return (
    isCalledBefore(parent, write) && (isKnown || (write.target === parent.number && thingOf(parent) === thingOf(write)))
  )
}

/** What it takes from the answers of others is what they said. */
function auditReferences({ report, writes, server }: Ledger, write: Write, { path, ref, writes: said }: ServerRequest) {
  for (const number of referredBy(write)) {
    const parent = carrierOf(writes[number] ?? write)
    const names = server().madeBy(parent.number)
    const isAimed = number === write.target && said.includes(write.number)
    const fits = isAimed ? names.some(name => path === pathOf(write, () => name)) : true
    const isReferred = number === write.spec.ref && ref !== undefined
    if (fits && (!isReferred || names.includes(String(ref)))) continue
    if (write.wasRetried) continue
    const text = `${write.id} says ${path} and ${ref}; ${parent.id} was answered ${names.join(' or ') || 'nothing'}.`
    report('references are true', text)
  }
}

/** What somebody has claimed when another person signs in is not sent once the news is there. */
const NEWS_MS = 1_000

function auditOwner(ledger: Ledger, context: Context, write: Write, { token, origin, key }: ServerRequest): void {
  const { report, present, now } = ledger
  const isKnown = now() - Math.max(present.since, context.frozenUntil) > NEWS_MS
  if (write.principal !== present.principal && isKnown && !ledger.planned.has('deaf-channel')) {
    report('whose it is', `${write.id} of ${write.principal} is sent while ${present.principal} is here.`)
  }
  const isTrusted = origin === ORIGINS.app || origin === ORIGINS.keys
  const person = token?.split(' ')[1]
  if (token !== undefined && (!isTrusted || person !== (write.principal ?? 'nobody'))) {
    report('auth of its owner', `${write.id} of ${write.principal} goes to ${origin} with the token of ${person}.`)
  }
  if (ledger.environment.refresh !== undefined && isTrusted && token === undefined) {
    report('auth of its owner', `${write.id} goes to ${origin} without a token.`)
  }
  if ((key !== undefined) !== isTrusted) report('keys where they may', `${write.id} goes to ${origin}: ${key}.`)
}

/** From the last look at the clock to the request; it takes a trip to the database and one to the auth provider at most. */
const SLACK_MS = 5_000

function auditTimes(ledger: Ledger, context: Context, { id, wasRetried }: Write): void {
  const { queue, report, wallClock } = ledger
  const { expiresAt, lastAttemptAt = 0 } = queue.get(id) ?? {}
  if (expiresAt === undefined || wasRetried) return
  if (lastAttemptAt > expiresAt) report('expired is not sent', `${id} had expired when it was claimed.`)
  const wasFrozen = context.frozenUntil > 0
  if (!ledger.planned.has('clock') && !wasFrozen && wallClock() > expiresAt + SLACK_MS) {
    report('expired is not sent', `${id} is sent ${wallClock() - expiresAt} ms after its end.`)
  }
}

function auditHold({ uncertain, report }: Ledger, { id, spec }: Write): void {
  if (!spec.hold) return
  if (uncertain.has(id)) report('held is held', `${id} is sent once more, and its last attempt may have arrived.`)
  uncertain.add(id)
}

/** The head of an answer, or nothing where the request has not left the device. */
export function auditAnswer(ledger: Ledger, { members }: Parcel, given: ServerAnswer | undefined): void {
  if (given) reach(ledger, `answered ${given.status}`)
  const answers = given?.members ?? members.map(request => ({ request, answer: given }))
  for (const { request, answer } of answers) {
    const write = ledger.writes[request.number]
    if (!write) continue
    if (!answer || isCertain(answer.status)) ledger.uncertain.delete(write.id)
    // A hold costs nothing, also where its body breaks off: the head says it all.
    if (answer && answer.status !== 401) ledger.answers.set(write.id, (ledger.answers.get(write.id) ?? 0) + 1)
  }
}

/** Whether it says if the write was done. */
function isCertain(status: number): boolean {
  return status < 500 || [501, 503, 505, 511].includes(status)
}

/** A person has decided about what is held, or was given up. */
export function decided(ledger: Ledger, id: string): void {
  const write = writeOf(ledger, id)
  if (write) ledger.uncertain.delete(write.id)
}
