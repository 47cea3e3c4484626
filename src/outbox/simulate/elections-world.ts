import type { TabEvents } from '../../protocol/messages.ts'
import type { Channel } from '../../tabs/channel.ts'
import { createElection, type Election, type ElectionPorts } from '../../tabs/election.ts'
import { type Context, createContext } from './context.ts'
import { createDeviceLocks } from './device-locks.ts'
import { createElectionAudit, type ElectionAudit } from './elections-audit.ts'
import { createAir } from './elections-channel.ts'
import { createMetaModel, type MetaModel } from './elections-database.ts'
import { createElectionFaults, type ElectionFaults } from './elections-faults.ts'
import type { Aim, ElectionOperation, ElectionPlan } from './elections-plan.ts'
import { type ElectionPlant, openTab, type Tab } from './elections-tab.ts'
import type { EventLoop } from './event-loop.ts'
import { createRandom, type Random } from './random.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'
import type { Trace } from './trace.ts'

/** The tabs of one app in one browser, under one scheduler. */
export interface ElectionWorld {
  plan: ElectionPlan
  plant: ElectionPlant
  random: Random
  scheduler: Scheduler
  trace: Trace
  faults: ElectionFaults
  audit: ElectionAudit
  meta: MetaModel
  /** All that were ever opened. */
  tabs: Tab[]
  endFor(context: Context): Channel<TabEvents>
  locksFor(context: Context): LockManager | undefined
  electionFor(ports: ElectionPorts): Election
  perform(operation: ElectionOperation): void
  /** All is well from now on. */
  heal(): void
}

export function createElectionWorld(
  plan: ElectionPlan,
  plant: ElectionPlant,
  loop: EventLoop,
  trace: Trace,
): ElectionWorld {
  const random = createRandom(plan.seed ^ 0x1eade4)
  const world = { plan, plant, random, trace, tabs: [] as Tab[] } as unknown as ElectionWorld
  const scheduler = createScheduler({ random, loop, trace, onYieldPoint: () => world.audit.look() })
  world.scheduler = scheduler
  world.faults = createElectionFaults(plan, random, scheduler.now)
  world.audit = createElectionAudit(world)
  const { faults, audit } = world
  world.meta = createMetaModel({ scheduler, random, faults, onCommit: audit.committed })
  world.endFor = createAir({ scheduler, faults, onHeard: audit.heard })

  let freedMs = 0
  const locks = createDeviceLocks(scheduler, () => freedMs)
  const thief = createThief(scheduler, locks.managerFor(createContext('stranger')))
  world.locksFor = context => {
    if (plan.environment.locks === 'none') return undefined
    return plan.environment.locks === 'works' ? locks.managerFor(context) : REFUSING
  }
  world.electionFor = ports => (plant.createElection ?? createElection)(plant.ports?.(ports) ?? ports)

  const numbered = new Map<number, Tab>()
  const open = (number: number) => {
    if (numbered.get(number)?.context.alive) return
    const tab = openTab(world)
    numbered.set(number, tab)
    world.tabs.push(tab)
  }
  const aimed = (aim: Aim) => {
    const alive = world.tabs.filter(({ context }) => context.alive)
    return aim === 'leader'
      ? alive.find(({ election }) => election.leadership())
      : alive.find(tab => numbered.get(aim) === tab)
  }

  world.perform = operation => {
    if (operation.kind === 'open') return open(operation.tab)
    if (operation.kind === 'act') return world.tabs.forEach(actUnlessFrozen)
    if (operation.kind === 'steal') return plan.environment.locks === 'works' ? thief.steal(operation.ms) : undefined
    const tab = aimed(operation.aim)
    if (!tab) return
    trace.add(`${operation.kind} ${tab.id}`)
    audit.reached.set(operation.kind, (audit.reached.get(operation.kind) ?? 0) + 1)
    if (operation.kind === 'crash') freedMs = operation.freedMs
    strike(world, tab, operation)
    freedMs = 0
  }
  world.heal = () => {
    thief.stop()
    if (!world.tabs.some(({ context }) => context.alive)) open(0)
    for (const tab of world.tabs) {
      tab.thaw()
      if (!plan.environment.staysHidden) tab.clock.show()
    }
  }
  return world
}

function strike({ scheduler }: ElectionWorld, tab: Tab, operation: ElectionOperation): void {
  const { kind } = operation
  if (kind === 'crash') tab.crash()
  if (kind === 'close') tab.close()
  if (kind === 'hide') tab.clock.hide()
  if (kind === 'show') tab.clock.show()
  if (kind !== 'freeze' && kind !== 'stop' && kind !== 'cache') return
  tab[kind]()
  scheduler.schedule({ delayMs: operation.ms, label: `end of ${kind}`, run: tab.thaw })
}

function actUnlessFrozen({ context, act }: Tab): void {
  if (context.frozenUntil === 0) act()
}

/** As a browser does where storage is forbidden. */
const REFUSING = {
  request: () => Promise.reject(new DOMException('The request was denied', 'SecurityError')),
} as unknown as LockManager

/** Other code, which takes our lock for its own. */
function createThief(scheduler: Scheduler, manager: LockManager) {
  const kept = new Set<() => void>()
  const hold = (ms: number) =>
    new Promise<void>(resolve => {
      if (Number.isFinite(ms)) kept.add(resolve)
      scheduler.schedule({ delayMs: ms, label: 'the stranger lets go', run: resolve })
    })
  return {
    steal: (ms: number) => void manager.request('leader', { steal: true }, () => hold(ms)).catch(() => undefined),
    stop() {
      for (const letGo of kept) letGo()
    },
  }
}
