import { type Audit, createAudit } from './audit.ts'
import { type Context, kill } from './context.ts'
import { createDevice, type Device } from './device.ts'
import { createDeviceDatabase, type DeviceDatabase } from './device-database.ts'
import { createDeviceLocks } from './device-locks.ts'
import type { EventLoop } from './event-loop.ts'
import { createFaults, createSleepers, type Faults } from './faults.ts'
import { createNetworkModel } from './network-model.ts'
import { NAMES } from './participant.ts'
import type { Plan } from './plan.ts'
import type { Plant } from './plants.ts'
import { createRandom, type Random } from './random.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'
import { receiveBatch } from './server-batch.ts'
import { createServerModel, type ServerModel, type ServerRequest } from './server-model.ts'
import { createSession, type Session } from './session.ts'
import type { Trace } from './trace.ts'
import { ORIGINS } from './write-input.ts'

/** One device, its network and the server, under one scheduler. */
export interface World {
  plan: Plan
  plant: Plant
  random: Random
  scheduler: Scheduler
  trace: Trace
  faults: Faults
  audit: Audit
  database: DeviceDatabase
  server: ServerModel
  session: Session
  device: Device
}

const START = Date.parse('2026-11-21T12:00:00Z')

export function createWorld(plan: Plan, plant: Plant, loop: EventLoop, trace: Trace): World {
  const random = createRandom(plan.seed ^ 0x5eed)
  const faults = createFaults(plan)
  const world = { plan, plant, random, trace, faults } as World
  world.scheduler = createScheduler({
    random,
    loop,
    trace,
    onYieldPoint: (ordinal, context) => strikeAt(world, ordinal, context),
  })
  const locks = createDeviceLocks(world.scheduler, () => (random.chance(0.5) ? 0 : random.below(1_000)))
  const wallClock = () => START + world.scheduler.now() + faults.clockOff(world.scheduler.now())
  const { refresh, limit = Number.POSITIVE_INFINITY } = plan.environment
  world.session = createSession({ refresh, scheduler: world.scheduler, random, faults })
  world.audit = createAudit({
    environment: plan.environment,
    planned: kindsIn(plan),
    now: world.scheduler.now,
    database: () => world.database,
    server: () => world.server,
    wallClock,
    wasFull: () => plan.faults.some(fault => fault.kind === 'storage' && fault.effect === 'quota'),
    lockHolder: () => (plan.environment.locks ? (locks.holderOf(NAMES.lock) ?? 'nobody') : undefined),
  })
  world.server = createServerModel({
    random,
    isSignedIn: world.session.isSignedIn,
    report: world.audit.report,
  })
  world.database = createDatabaseOf(world)
  const network = createNetworkOf(world)
  world.device = createDevice({
    scheduler: world.scheduler,
    random,
    hasWorker: plan.environment.worker,
    isDeaf: plan.faults.some(({ kind }) => kind === 'deaf-channel'),
    factoryFor: world.database.factoryFor,
    fetchFor: context => {
      const fetch = network.fetchFor(context)
      return plant.fetch?.({ ...world, context, fetch }) ?? fetch
    },
    locksFor: context => (plan.environment.locks ? locks.managerFor(context) : undefined),
    wallClock,
    isOnline: network.isOnline,
    note: trace.add,
    limits: { mutations: limit, bytes: Number.POSITIVE_INFINITY },
    providerFor: context => (refresh === undefined ? undefined : world.session.providerFor(context)),
    plantIn: (context, storage) => plant.storage?.({ ...world, context, storage }) ?? storage,
    onDrain: world.audit.begun,
    onPass: world.audit.passed,
    onDrained: world.audit.drained,
  })
  return world
}

function strikeAt({ faults, trace, scheduler, device }: World, ordinal: number, context: Context): void {
  const { freezeMs, kills } = faults.atYieldPoint(ordinal)
  if (freezeMs > 0) {
    trace.add(`freeze ${context.name} for ${freezeMs} ms`)
    context.frozenUntil = scheduler.now() + freezeMs
  }
  if (!kills) return
  trace.add(`kill ${kills} at #${ordinal} of ${context.name}`)
  if (kills === 'browser') device.killAll()
  else kill(context)
}

function createDatabaseOf(world: World): DeviceDatabase {
  const { scheduler, random, faults, audit, plant } = world
  return createDeviceDatabase({
    name: NAMES.database,
    scheduler,
    latencyMs: () => random.between(0, 3),
    faultOf: faults.transaction,
    mayFail: () => faults.isOn,
    failsToOpen: faults.opening,
    beforeBegin: (context, mode) => plant.beforeBegin?.({ ...world, context, mode }),
    onCommit: context => {
      audit.committed(context)
      plant.afterCommit?.({ ...world, context, mode: 'readwrite' })
    },
  })
}

function kindsIn({ operations, faults }: Plan): Set<string> {
  const writes = operations.flatMap(one => (one.kind === 'append' ? one.writes : []))
  const isForeign = writes.some(({ origin }) => origin !== undefined)
  return new Set([...operations, ...faults].map(({ kind }): string => kind).concat(isForeign ? ['foreign'] : []))
}

function createNetworkOf({ plan, scheduler, random, server, session, faults, audit, trace }: World) {
  const sleepers = createSleepers()
  return createNetworkModel({
    scheduler,
    random,
    numberOf: audit.numberOf,
    receive: ({ isBatch, members }) => {
      if (!isBatch) return server.receive(members[0] as ServerRequest)
      const manner = () => (faults.isOn ? (plan.environment.batches ?? 'good') : 'good')
      return receiveBatch(members, { server, random, manner, isSignedIn: session.isSignedIn })
    },
    hangs: origin => origin === ORIGINS.hang && faults.hangs(scheduler.now()),
    faultOf: faults.request,
    stateAt: faults.network,
    onAnswer: audit.answered,
    onEnd: audit.ended,
    onRequest: (context, parcel) => {
      audit.requested(context, parcel)
      const key = parcel.label
      sleepers.isOvertaken(context, key, scheduler.now() + random.below(60))
      const ms = faults.freezesSender()
      if (ms === 0) return
      trace.add(`freeze ${context.name}, which sends ${key}, for ${ms} ms at most`)
      sleepers.put(context, key, scheduler.now() + ms)
    },
  })
}
