import { isHoldfastError } from '../../protocol/errors.ts'
import type { Mutation } from '../../protocol/mutation.ts'
import { placeOf } from '../../protocol/queue-range.ts'
import type { DeadLetterEdit } from '../dead-letter-edit.ts'
import type { DeadRecord } from '../dead-record.ts'
import { HELD_KEY, PAUSED_KEY } from '../pause.ts'
import { PRINCIPAL_KEY } from '../principal.ts'
import { movableIn } from './check.ts'
import type { Context } from './context.ts'
import type { Member } from './device.ts'
import type { Write } from './ledger.ts'
import type { Operation, WriteSpec } from './plan.ts'
import { settingsOf } from './settings-of.ts'
import type { World } from './world.ts'

/** What a person or the browser does. A promise that rejects is an answer, too; it only may not leave something behind. */
export function perform(world: World, operation: Operation): void {
  const { device, plan } = world
  if (operation.kind === 'message' || operation.kind === 'sync') {
    if (plan.environment.worker && operation.kind === 'sync') device.sync()
    else if (plan.environment.worker) device.message(true)
    return
  }
  const tab = device.tab(operation.tab)
  if (operation.kind === 'append') for (const spec of operation.writes) write(world, tab, spec)
  else if (operation.kind === 'page-drain') device.drainIn(tab, true)
  else if (operation.kind === 'cancel') cancel(world, tab, operation.write)
  else if ('pick' in operation) decide(world, tab, operation.kind, operation.pick)
  else rule(world, tab, operation)
}

/** Who may send, and how. */
function rule(world: World, tab: Member, operation: Ruling): void {
  const { participant } = tab
  world.audit.ruled()
  if (operation.kind === 'identify')
    told(world, tab, `identify ${operation.person}`, participant.identify(operation.person))
  else if (operation.kind === 'configure') {
    told(world, tab, `batch ${operation.batch}`, participant.configure(settingsOf(world.plan, operation.batch)))
  } else {
    if (operation.kind === 'resume') world.session.signIn()
    told(world, tab, operation.kind, participant[operation.kind]())
  }
}

type Ruling = Extract<Operation, { kind: 'pause' | 'resume' } | { kind: 'identify' } | { kind: 'configure' }>

function write({ audit, trace, faults }: World, { context, participant }: Member, spec: WriteSpec): void {
  const mustWork = !faults.isOn
  const one = audit.called(context, spec, targetOf(audit.writes, context, spec))
  trace.add(`${context.name} writes ${one.id} ${JSON.stringify(spec)}`)
  void participant.append(one).then(
    id => {
      trace.add(`${one.id} is recorded${id === one.id ? '' : ` in ${id}`}`)
      audit.recorded(one, id)
    },
    error => {
      trace.add(`${one.id} is rejected: ${error}`)
      audit.rejected(one, error)
      const isFull = isHoldfastError(error) && error.code === 'outbox-full'
      if (mustWork && !isFull) audit.report('mutate() works when all is well', `${context.name}: ${error}`)
    },
  )
}

/** What this tab made last of that entity. */
function targetOf(writes: readonly Write[], context: Context, { aimed, entity, route, origin }: WriteSpec) {
  if (!aimed || entity === undefined) return undefined
  const makes = ({ caller, spec }: Write) =>
    caller === context && !spec.method && spec.entity === entity && spec.route === route && spec.origin === origin
  return writes.findLast(makes)?.number
}

function cancel(world: World, tab: Member, number: number): void {
  const { audit } = world
  const one = audit.writes[number % Math.max(1, audit.writes.length)]
  if (!one) return
  audit.intends('cancel', one.id)
  told(world, tab, `cancel ${one.id}`, tab.participant.cancel(one.id), answer => {
    if (answer) one.saidCancelled = true
  })
}

/** What a person decides about what is shown: a dead letter, or what is held. */
function decide(world: World, tab: Member, what: 'retry' | 'discard' | 'edit' | 'release', pick: number): void {
  const { database, audit } = world
  const held = [...database.records<Mutation>('mutations').values()].filter(one => one.held)
  const ids = what === 'release' ? held.map(({ id }) => id) : [...database.records('dead').keys()]
  const id = ids[pick % Math.max(1, ids.length)]
  if (id === undefined) return
  audit.intends(what === 'edit' ? 'retry' : what, id)
  if (what === 'edit') told(world, tab, `edit ${id}`, tab.participant.retry(id, editOf(world, id)))
  else told(world, tab, `${what} ${id}`, tab.participant[what](id))
}

/** A person mends what was refused. */
function editOf({ database }: World, id: string): DeadLetterEdit {
  const { mutation } = database.records<DeadRecord>('dead').get(id) ?? {}
  if (mutation?.body.kind !== 'json') return { priority: 3 }
  const json = { ...JSON.parse(mutation.body.text), edited: true }
  return { json, url: mutation.url.replace('/poison', '/ok').replace('/toxic', '/ok'), expiresAt: null }
}

function told<T>(
  { trace }: World,
  { context }: Member,
  what: string,
  answer: Promise<T>,
  then?: (answer: T) => void,
): void {
  void answer.then(
    given => {
      trace.add(`${context.name}: ${what} gave ${String(given)}`)
      then?.(given)
    },
    error => trace.add(`${context.name}: ${what} failed: ${error}`),
  )
}

const FIRST_VISIT_MS = 30_000
const LAST_VISIT_MS = 3_600_000
const VISITOR = 9

/** A person comes back, first soon and then more seldom, signs in where that is asked, and lets the browser send. */
export function keepVisiting(world: World, laterMs = FIRST_VISIT_MS): void {
  const { scheduler, device, plan } = world
  const run = () => {
    const tab = device.tab(VISITOR)
    void visit(world, tab).then(
      () => (plan.environment.worker ? device.message(true) : device.drainIn(tab, true)),
      error => world.trace.add(`The visit failed: ${error}`),
    )
    keepVisiting(world, Math.min(LAST_VISIT_MS, Math.round(laterMs * 1.3)))
  }
  scheduler.schedule({ delayMs: laterMs, label: 'visit', run })
}

/** Whoever has something that waits signs in; what asks for a person's word gets it. */
async function visit({ database, audit, session }: World, { participant }: Member): Promise<void> {
  const meta = database.records<string>('meta')
  session.signIn()
  if (meta.has(PAUSED_KEY) || meta.has(HELD_KEY)) await participant.resume()
  const waiting = movableIn(database)
  // What one person's write waits for may be another's.
  const free = waiting.filter(({ key, held }) => held || placeOf(key) !== 'blocked')
  const isTheirs = free.some(({ principal }) => principal === meta.get(PRINCIPAL_KEY))
  const [first] = free
  if (first && !isTheirs) {
    audit.ruled()
    await participant.identify(first.principal)
  }
  const present = isTheirs ? meta.get(PRINCIPAL_KEY) : first?.principal
  const held = waiting.filter(one => one.held && one.principal === present)
  for (const { id } of held) {
    audit.intends('release', id)
    await participant.release(id).catch(() => undefined)
  }
}

/** In each tab that is still open, whatever it went through, a person writes once more. */
export function writeEverywhere(world: World): void {
  for (const tab of world.device.members()) {
    const run = () => write(world, tab, { route: 'ok', size: 'small' })
    if (tab.context.name.startsWith('tab'))
      world.scheduler.schedule({ context: tab.context, label: 'writes again', run })
  }
}

/** Nothing waits that could go on, nobody sends, and every living tab has its answers. */
export function isAtRest({ database, device, audit }: World): boolean {
  if (movableIn(database).length > 0 || device.isDraining()) return false
  return audit.writes.every(
    ({ caller, recordedAt, wasRejected }) => !caller.alive || recordedAt !== undefined || wasRejected,
  )
}
