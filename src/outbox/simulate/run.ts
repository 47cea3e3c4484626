import 'fake-indexeddb/auto'
import { SETTINGS_KEY } from '../settings.ts'
import { checkEnd } from './check.ts'
import { createContext, kill, release } from './context.ts'
import { takeEventLoop } from './event-loop.ts'
import type { Violation } from './ledger.ts'
import { openDevice } from './participant.ts'
import { isAtRest, keepVisiting, perform, writeEverywhere } from './people.ts'
import type { Plan } from './plan.ts'
import type { Plant } from './plants.ts'
import { settingsOf } from './settings-of.ts'
import { createTrace, type Trace } from './trace.ts'
import { createWorld, type World } from './world.ts'

export interface RunResult {
  violations: Violation[]
  /** The same for two runs of one plan. */
  hash: string
  /** The last lines of what happened. */
  trace: string[]
  /** How many yield points there were. */
  ordinals: number
  /** How many faults struck, and what became of the writes: to know that the plans reach them. */
  reached: Map<string, number>
}

export interface RunOptions {
  /** A bug to put into this run. */
  plant?: Plant
  /** Called with each line of the trace. */
  onLine?: (line: string) => void
}

/** Runs a plan: first chaos, then hours in which all is well, then the question whether everything is where it belongs. */
export async function simulate(plan: Plan, { plant = {}, onLine }: RunOptions = {}): Promise<RunResult> {
  const loop = takeEventLoop()
  const trace = createTrace(onLine)
  const speak = silence(trace)
  const rejections: unknown[] = []
  const onRejection = (reason: unknown) => void rejections.push(reason)
  process.on('unhandledRejection', onRejection)
  const world = createWorld(plan, plant, loop, trace)
  try {
    await live(world)
  } finally {
    for (const { context } of world.device.members()) release(context)
    process.off('unhandledRejection', onRejection)
    speak()
    loop.restore()
  }
  for (const reason of rejections) world.audit.report('no unhandled rejection', String(reason))
  return resultOf(world)
}

const HOUR = 3_600_000
/** Within this everything must have come to rest. Without locks a lease may have to run out on a clock that was set back. */
const REST_MS = 6 * HOUR
/** Who is frozen when all is well again may stay so for a while, as a tab in the background does. */
const LAST_THAW_MS = 300_000

async function live(world: World): Promise<void> {
  const { plan, scheduler, audit, device, faults, trace } = world
  const isBroken = () => audit.violations.length > 0
  await makeDatabase(world)
  faults.isOn = true
  for (const operation of plan.operations) {
    scheduler.schedule({ delayMs: operation.at, label: operation.kind, run: () => perform(world, operation) })
  }
  await scheduler.run(isBroken, plan.chaosMs)
  if (isBroken()) return

  faults.isOn = false
  trace.add('all is well from here')
  const thawedAt = scheduler.now() + LAST_THAW_MS
  for (const { context } of device.members()) context.frozenUntil = Math.min(context.frozenUntil, thawedAt)
  writeEverywhere(world)
  keepVisiting(world)
  const setBack = plan.faults.reduce((sum, fault) => sum + (fault.kind === 'clock' ? Math.abs(fault.byMs) : 0), 0)
  await scheduler.run(
    () => isBroken() || isAtRest(world),
    // Times on record may lie in the future of a clock that was set back, and leases do where there are no locks.
    scheduler.now() + REST_MS + 2 * setBack,
  )
  if (!isBroken()) checkEnd(world)
}

/** The first visit of all, before anything goes wrong. */
async function makeDatabase({ plan, database, scheduler }: World): Promise<void> {
  const context = createContext('first visit')
  const storage = await openDevice('simulated-0', database.factoryFor(context))
  let isMade = false
  void storage.meta.setItem(SETTINGS_KEY, settingsOf(plan, plan.environment.batch ?? false)).then(() => {
    isMade = true
  })
  await scheduler.run(() => isMade, 1_000)
  kill(context)
}

function resultOf({ audit, trace, scheduler, faults }: World): RunResult {
  const reached = new Map([...faults.struck, ...audit.reached])
  for (const { outcome = 'none' } of audit.writes) reached.set(outcome, (reached.get(outcome) ?? 0) + 1)
  const { violations } = audit
  return { violations, hash: trace.hash(), trace: trace.tail(), ordinals: scheduler.ordinal(), reached }
}

/** What the libraries say on the console goes into the trace. */
function silence(trace: Trace): () => void {
  const { info, warn } = console
  console.info = () => undefined
  console.warn = (...args) => trace.add(`console: ${args.join(' ')}`)
  return () => {
    console.info = info
    console.warn = warn
  }
}
