import type { StorageFault } from './device-database.ts'
import type { NetworkFault } from './network-model.ts'
import { createRandom, type Random } from './random.ts'
import type { Route } from './server-model.ts'

/** Everything that a run does, decided before it begins, so that a failing one can be made smaller. */
export interface Plan {
  seed: number
  environment: { locks: boolean; worker: boolean }
  operations: Operation[]
  faults: Fault[]
  /** How long the first phase lasts, in milliseconds. */
  chaosMs: number
}

export interface WriteSpec {
  entity?: string
  route: Route
  size: 'small' | 'apart'
  priority?: number
  /** It depends on the write of that number, when there is one. */
  after?: number
  /** Of those of its entity, planted bugs send it first. */
  urgent?: boolean
}

/** What people and the browser do, at a time. Tabs are numbered; one that is not there is opened first. */
export type Operation = { at: number } & (
  | { kind: 'append'; tab: number; writes: WriteSpec[] }
  | { kind: 'cancel'; tab: number; write: number }
  | { kind: 'retry' | 'discard'; tab: number; pick: number }
  | { kind: 'pause' | 'resume' | 'page-drain'; tab: number }
  | { kind: 'message' }
  | { kind: 'sync' }
)

/** What goes wrong. Requests, transactions and yield points are counted from 1. */
export type Fault =
  | { kind: 'network'; request: number; effect: NetworkFault }
  | { kind: 'storage'; transaction: number; effect: StorageFault }
  | { kind: 'open'; opening: number }
  | { kind: 'kill'; ordinal: number; scope: 'context' | 'browser' }
  | { kind: 'freeze'; ordinal: number; ms: number }
  /** Whoever sends that request is frozen with it under way, at most until somebody else sends the same. */
  | { kind: 'freeze-sender'; request: number; ms: number }
  | { kind: 'clock'; at: number; byMs: number }
  | { kind: 'offline' | 'dead-network'; from: number; to: number }
  | { kind: 'deaf-channel' }

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** Makes the plan of a seed. */
export function planOf(seed: number): Plan {
  const random = createRandom(seed)
  const chaosMs = random.between(1, 12) * MINUTE
  const environment = { locks: random.chance(0.6), worker: random.chance(0.7) }
  const operations = Array.from({ length: random.between(3, 14) }, () => operation(random, chaosMs))
  const faults = Array.from({ length: random.between(0, 9) }, () => fault(random, chaosMs))
  return { seed, environment, operations: operations.sort((a, b) => a.at - b.at), faults, chaosMs }
}

function operation(random: Random, chaosMs: number): Operation {
  const at = random.chance(0.5) ? random.below(2_000) : random.below(chaosMs)
  const tab = random.below(3)
  const dice = random.next()
  if (dice < 0.55) return { at, kind: 'append', tab, writes: writes(random) }
  if (dice < 0.65) return { at, kind: 'cancel', tab, write: random.below(12) }
  if (dice < 0.73) return { at, kind: 'retry', tab, pick: random.below(4) }
  if (dice < 0.77) return { at, kind: 'discard', tab, pick: random.below(4) }
  if (dice < 0.8) return { at, kind: random.pick(['pause', 'resume']), tab }
  if (dice < 0.88) return { at, kind: 'page-drain', tab }
  return { at, kind: random.pick(['message', 'sync']) }
}

function writes(random: Random): WriteSpec[] {
  return Array.from({ length: random.chance(0.3) ? random.between(2, 4) : 1 }, () => ({
    entity: random.chance(0.2) ? undefined : random.pick(['a', 'b', 'c']),
    route: random.pick(['ok', 'ok', 'ok', 'ok', 'poison', 'conflict', 'busy', 'limited', 'slow', 'signed-out']),
    size: random.chance(0.1) ? 'apart' : 'small',
    priority: random.chance(0.2) ? random.pick([-5, 5]) : undefined,
    after: random.chance(0.15) ? random.below(8) : undefined,
    urgent: random.chance(0.3),
  }))
}

const NETWORK: [NetworkFault, ...NetworkFault[]] = [
  'drop-request',
  'drop-answer',
  'silence',
  'duplicate',
  'delay',
  'truncate',
  'gateway-503',
  'gateway-429',
  'gateway-504-after',
]
const STORAGE: [StorageFault, ...StorageFault[]] = ['fail', 'quota', 'closing', 'terminated']

function fault(random: Random, chaosMs: number): Fault {
  const dice = random.next()
  const from = random.below(chaosMs)
  const ordinal = random.between(1, random.chance(0.5) ? 60 : 300)
  if (dice < 0.35) return { kind: 'network', request: random.between(1, 15), effect: random.pick(NETWORK) }
  if (dice < 0.5) return { kind: 'storage', transaction: random.between(1, 60), effect: random.pick(STORAGE) }
  if (dice < 0.53) return { kind: 'open', opening: random.between(1, 6) }
  if (dice < 0.73) return { kind: 'kill', ordinal, scope: random.chance(0.7) ? 'context' : 'browser' }
  if (dice < 0.78)
    return { kind: 'freeze-sender', request: random.between(1, 10), ms: random.pick([20_000, 10 * MINUTE]) }
  if (dice < 0.83) return { kind: 'freeze', ordinal, ms: random.pick([500, 20_000, 3 * MINUTE, 10 * MINUTE]) }
  if (dice < 0.88) return { kind: 'clock', at: from, byMs: random.pick([-DAY, -MINUTE, MINUTE, 90 * MINUTE, DAY]) }
  if (dice < 0.94) return { kind: 'offline', from, to: from + random.below(chaosMs) }
  if (dice < 0.98) return { kind: 'dead-network', from, to: from + random.below(chaosMs) }
  return { kind: 'deaf-channel' }
}
