import { release } from './context.ts'
import type { ElectionPlan } from './elections-plan.ts'
import type { ElectionPlant } from './elections-tab.ts'
import { createElectionWorld, type ElectionWorld } from './elections-world.ts'
import { takeEventLoop } from './event-loop.ts'
import type { RunResult } from './run.ts'
import { createTrace } from './trace.ts'

export interface ElectionResult extends RunResult {
  /** So long after the end of the faults one tab led and all knew it, for good. Milliseconds. */
  settledAfterMs: number
}

export interface ElectionRunOptions {
  /** A bug to put into this run. */
  plant?: ElectionPlant
  /** Called with each line of the trace. */
  onLine?: (line: string) => void
}

/**
 * Runs the tabs of a plan: first chaos, then a time in which they must come to one leader, then a minute in which nothing
 * may change any more.
 */
export async function simulateElections(
  plan: ElectionPlan,
  { plant = {}, onLine }: ElectionRunOptions = {},
): Promise<ElectionResult> {
  const loop = takeEventLoop()
  const trace = createTrace(onLine)
  const rejections: unknown[] = []
  const onRejection = (reason: unknown) => void rejections.push(reason)
  process.on('unhandledRejection', onRejection)
  const world = createElectionWorld(plan, plant, loop, trace)
  try {
    await live(world)
    await loop.settle()
  } finally {
    for (const { context } of world.tabs) release(context)
    process.off('unhandledRejection', onRejection)
    loop.restore()
  }
  const { audit, faults, scheduler } = world
  for (const reason of rejections) audit.report('no unhandled rejection', String(reason))
  return {
    violations: audit.violations,
    hash: trace.hash(),
    trace: trace.tail(),
    ordinals: scheduler.ordinal(),
    reached: new Map([...faults.struck, ...audit.reached]),
    settledAfterMs: audit.unsettledAt() - plan.chaosMs,
  }
}

const MINUTE = 60_000

async function live(world: ElectionWorld): Promise<void> {
  const { plan, scheduler, audit, trace, perform } = world
  const isBroken = () => audit.violations.length > 0
  const runUntil = (time: number) => scheduler.run(isBroken, time)
  for (const operation of plan.operations) {
    const run = () => perform(operation)
    scheduler.schedule({ delayMs: operation.at, label: operation.kind, run })
  }
  await runUntil(plan.chaosMs)
  if (isBroken()) return

  trace.add('all is well from here')
  world.heal()
  const quietFrom = plan.chaosMs + plan.boundMs
  await runUntil(quietFrom)
  const terms = audit.terms()
  await runUntil(quietFrom + MINUTE)
  audit.look()
  if (isBroken()) return
  const late = audit.unsettledAt() - quietFrom
  if (late > 0) audit.report('one leader in time', `not settled ${plan.boundMs + late} ms after the faults`)
  if (audit.terms() > terms) audit.report('quiet', `${audit.terms() - terms} new terms in a minute without faults`)
}
