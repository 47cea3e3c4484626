import { HELD_KEY, PAUSED_KEY } from '../pause.ts'
import { movableIn } from './check.ts'
import type { Member } from './device.ts'
import type { Operation, WriteSpec } from './plan.ts'
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
  else if (operation.kind === 'cancel') cancel(world, tab, operation.write)
  else if (operation.kind === 'retry' || operation.kind === 'discard') {
    decide(world, tab, operation.kind, operation.pick)
  } else if (operation.kind === 'page-drain') device.drainIn(tab, true)
  else told(world, tab, operation.kind, tab.participant[operation.kind]())
}

function write({ audit, trace, faults }: World, { context, participant }: Member, spec: WriteSpec): void {
  const mustWork = !faults.isOn
  const one = audit.called(context, spec)
  trace.add(`${context.name} writes ${one.id} ${JSON.stringify(spec)}`)
  void participant.append(one.number, spec).then(
    () => {
      trace.add(`${one.id} is recorded`)
      audit.recorded(one)
    },
    error => {
      trace.add(`${one.id} is rejected: ${error}`)
      audit.rejected(one, error)
      if (mustWork) audit.report('mutate() works when all is well', `${context.name}: ${error}`)
    },
  )
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

function decide(world: World, tab: Member, what: 'retry' | 'discard', pick: number): void {
  const ids = [...world.database.records('dead').keys()]
  const id = ids[pick % Math.max(1, ids.length)]
  if (id === undefined) return
  world.audit.intends(what, id)
  told(world, tab, `${what} ${id}`, tab.participant[what](id))
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
  const { scheduler, device, database, plan } = world
  const run = () => {
    const tab = device.tab(VISITOR)
    const meta = database.records('meta')
    if (meta.has(PAUSED_KEY) || meta.has(HELD_KEY)) told(world, tab, 'resume', tab.participant.resume())
    if (plan.environment.worker) device.message(true)
    else device.drainIn(tab, true)
    keepVisiting(world, Math.min(LAST_VISIT_MS, Math.round(laterMs * 1.3)))
  }
  scheduler.schedule({ delayMs: laterMs, label: 'visit', run })
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
