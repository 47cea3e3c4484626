import type { StorageFault } from './device-database.ts'
import type { NetworkFault } from './network-model.ts'
import { planFault } from './plan-faults.ts'
import { planDraft, planFlood, planWrites } from './plan-writes.ts'
import { createRandom, type Random } from './random.ts'
import type { BatchManner } from './server-batch.ts'
import type { Route } from './server-model.ts'

/** Everything that a run does, decided before it begins, so that a failing one can be made smaller. */
export interface Plan {
  seed: number
  environment: Environment
  operations: Operation[]
  faults: Fault[]
  /** How long the first phase lasts, in milliseconds. */
  chaosMs: number
}

/** The device, the server, and what the app chose. What is left out is as in an app that chooses nothing. */
export interface Environment {
  locks: boolean
  worker: boolean
  /** Whether the app begins with an endpoint for batches. */
  batch?: boolean
  /** How the server takes batches, until all is well. */
  batches?: BatchManner
  /** The app has an auth provider; what its `refresh` does until all is well. `none`: it has none. */
  refresh?: 'works' | 'fails' | 'throws' | 'hangs' | 'none'
  delayMs?: number
  /** How many requests at once, at most. */
  most?: number
  /** How many mutations may wait. */
  limit?: number
  /** How many answers are kept. */
  answers?: number
}

export interface WriteSpec {
  entity?: string
  route: Route
  size: 'small' | 'apart'
  /** Where it goes, when that is not the app's own origin; `plain` knows no keys, and `hang` gives no answer at times. */
  origin?: 'keys' | 'plain' | 'hang'
  /** Default POST, which makes something. The others change it, or what is there under the name of the entity. */
  method?: 'PUT' | 'PATCH' | 'DELETE'
  /** It goes to what the last POST of its tab and entity makes, by a reference in the address. */
  aimed?: boolean
  coalesce?: 'replace' | 'merge'
  priority?: number
  /** It depends on the write of that number, when there is one. */
  after?: number
  /** It has the answer to the write of that number in its body, when there is one. */
  ref?: number
  hold?: boolean
  /** From the time of the call, in milliseconds. */
  notBeforeMs?: number
  expiresMs?: number
  /** Of those of its entity, planted bugs send it first. */
  urgent?: boolean
}

export type Person = 'ada' | 'bea'

/** What people and the browser do, at a time. Tabs are numbered; one that is not there is opened first. */
export type Operation = { at: number } & (
  | { kind: 'append'; tab: number; writes: WriteSpec[] }
  | { kind: 'cancel'; tab: number; write: number }
  | { kind: 'retry' | 'discard' | 'edit' | 'release'; tab: number; pick: number }
  | { kind: 'pause' | 'resume'; tab: number }
  | { kind: 'page-drain'; tab: number }
  /** Left out: signed out. */
  | { kind: 'identify'; tab: number; person?: Person }
  | { kind: 'configure'; tab: number; batch: boolean }
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
  /** The server takes no token any more that was given before. */
  | { kind: 'token-expires'; at: number }
  /** What the auth provider does when it is asked for headers the n-th time. */
  | { kind: 'auth'; call: number; effect: 'throws' | 'hangs' }
  /** The origin `hang` takes requests and gives no answers. */
  | { kind: 'hang'; from: number; to: number }

const MINUTE = 60_000

/** Makes the plan of a seed. */
export function planOf(seed: number): Plan {
  const random = createRandom(seed)
  const chaosMs = random.between(1, 12) * MINUTE
  const environment = planEnvironment(random)
  const people = random.chance(0.3)
  const operations = Array.from({ length: random.between(3, 14) }, () => operation(random, chaosMs, people))
  if (random.chance(0.04)) operations.push({ at: 0, kind: 'append', tab: 0, writes: planFlood(random) })
  if (random.chance(0.15)) operations.push(...typing(random))
  const faults = Array.from({ length: random.between(0, 9) }, () => planFault(random, chaosMs, environment))
  return { seed, environment, operations: operations.sort((a, b) => a.at - b.at), faults, chaosMs }
}

/** A person who goes on writing at one thing, while its first versions are on their way. */
function typing(random: Random): Operation[] {
  const [tab, spec] = [random.below(3), planDraft(random)]
  let at = random.below(2_000)
  return Array.from({ length: random.between(3, 6) }, () => {
    at += random.between(20, 800)
    return { at, kind: 'append', tab, writes: [spec] }
  })
}

const MANNERS: [BatchManner, ...BatchManner[]] = ['good', 'good', 'stops', 'small', 'absent', 'fails', 'breaks-rules']

function planEnvironment(random: Random): Environment {
  return {
    locks: random.chance(0.6),
    worker: random.chance(0.7),
    ...(random.chance(0.35) && { batch: random.chance(0.8), batches: random.pick(MANNERS) }),
    ...(random.chance(0.25) && { refresh: random.pick(['works', 'works', 'fails', 'throws', 'hangs', 'none']) }),
    ...(random.chance(0.1) && { delayMs: random.pick([100, 2_000]) }),
    ...(random.chance(0.2) && { most: random.between(1, 3) }),
    ...(random.chance(0.1) && { limit: random.between(1, 5) }),
    ...(random.chance(0.1) && { answers: random.between(0, 4) }),
  }
}

function operation(random: Random, chaosMs: number, people: boolean): Operation {
  const at = random.chance(0.5) ? random.below(2_000) : random.below(chaosMs)
  const tab = random.below(3)
  const pick = random.below(4)
  const dice = random.next()
  if (people && random.chance(0.25))
    return { at, kind: 'identify', tab, person: random.pick(['ada', 'bea', undefined]) }
  if (dice < 0.55) return { at, kind: 'append', tab, writes: planWrites(random) }
  if (dice < 0.63) return { at, kind: 'cancel', tab, write: random.below(12) }
  if (dice < 0.69) return { at, kind: 'retry', tab, pick }
  if (dice < 0.72) return { at, kind: 'edit', tab, pick }
  if (dice < 0.75) return { at, kind: 'discard', tab, pick }
  if (dice < 0.78) return { at, kind: 'release', tab, pick }
  if (dice < 0.81) return { at, kind: random.pick(['pause', 'resume']), tab }
  if (dice < 0.83) return { at, kind: 'configure', tab, batch: random.chance(0.5) }
  if (dice < 0.89) return { at, kind: 'page-drain', tab }
  return { at, kind: random.pick(['message', 'sync']) }
}
