import { createRandom, type Random } from './random.ts'

/** Everything that a run of the election does, decided before it begins. */
export interface ElectionPlan {
  seed: number
  environment: ElectionEnvironment
  operations: ElectionOperation[]
  faults: ElectionFault[]
  /** How long things go wrong, in milliseconds. */
  chaosMs: number
  /** So long after that, at most, one tab leads and all know it. */
  boundMs: number
}

export interface ElectionEnvironment {
  /** `refused`: the browser has Web Locks and rejects every request, as where storage is forbidden. */
  locks: 'works' | 'none' | 'refused'
  /** A message takes so long at most while all is well, in milliseconds. */
  latencyMs: number
  /** Tabs that are hidden stay so when all is well again: their timers run once a minute. */
  staysHidden: boolean
}

/** A tab by its number, or the one that leads. */
export type Aim = number | 'leader'

/** What people, the browser and others do, at a time. */
export type ElectionOperation = { at: number } /** Opens the tab of that number where it is not there. */ & (
  | { kind: 'open'; tab: number }
  /** Without a word. Its lock is freed after `freedMs`; `Infinity`: never. */
  | { kind: 'crash'; aim: Aim; freedMs: number }
  | { kind: 'close'; aim: Aim }
  /** With an event, as browsers do. */
  | { kind: 'freeze'; aim: Aim; ms: number }
  /** Without one, as SIGSTOP does. */
  | { kind: 'stop'; aim: Aim; ms: number }
  /** Into the back-forward cache. */
  | { kind: 'cache'; aim: Aim; ms: number }
  | { kind: 'hide' | 'show'; aim: Aim }
  /** Other code of the same origin takes the lock. */
  | { kind: 'steal'; ms: number }
  /** Whoever believes that it leads acts now. */
  | { kind: 'act' }
)

/** What goes wrong meanwhile, and how often. */
export type ElectionFault = { from: number; to: number; share: number } & (
  | { kind: 'loss' }
  | { kind: 'delay'; ms: number }
  /** Transactions that write reject; with `all` also those that read. */
  | { kind: 'refuse'; all: boolean }
)

const MINUTE = 60_000

/** Two to five tabs, with locks that work in half of the runs. */
export function electionPlanOf(seed: number): ElectionPlan {
  const random = createRandom(seed ^ 0xe1ec)
  const locks = random.pick<ElectionEnvironment['locks']>(['works', 'works', 'works', 'none', 'none', 'refused'])
  const staysHidden = random.chance(0.15)
  const environment: ElectionEnvironment = { locks, staysHidden, latencyMs: random.between(1, 20) }
  const chaosMs = locks === 'works' ? random.between(1, 4) * MINUTE : random.between(5, 60) * 1_000
  const tabs = random.between(2, 5)
  const operations = [
    ...openings(random, tabs, chaosMs),
    ...Array.from({ length: random.between(2, 14) }, () => operationOf(random, tabs, chaosMs)),
    ...Array.from({ length: 10 }, () => ({ at: random.below(chaosMs), kind: 'act' as const })),
  ]
  const faults = Array.from({ length: random.between(0, 4) }, () => faultOf(random, chaosMs))
  operations.sort((a, b) => a.at - b.at)
  return { seed, environment, operations, faults, chaosMs, boundMs: boundOf(environment, faults) }
}

/** Nothing goes wrong until the leader crashes, among visible tabs. */
export function crashPlanOf(seed: number, locks: 'works' | 'none'): ElectionPlan {
  const random = createRandom(seed ^ 0xc4a5)
  const tabs = random.between(2, 5)
  const chaosMs = random.between(3_000, 8_000)
  const freedMs = random.below(1_500)
  const operations: ElectionOperation[] = openings(random, tabs, 1_000)
  operations.push({ at: chaosMs, kind: 'crash', aim: 'leader', freedMs })
  const environment = { locks, latencyMs: random.between(1, 5), staysHidden: false }
  const boundMs = locks === 'works' ? freedMs + TAKEOVER_WITH_LOCKS_MS : TAKEOVER_WITHOUT_LOCKS_MS
  return { seed, environment, operations, faults: [], chaosMs, boundMs }
}

/** From the release of the lock until all know the next leader: a transaction and a message. */
const TAKEOVER_WITH_LOCKS_MS = 60
/** From the crash until all know the next leader, among visible tabs. */
export const TAKEOVER_WITHOUT_LOCKS_MS = 1_200

/**
 * From the end of all faults until one leads and all know it. With locks a silent holder is found out within 28 s, without
 * them within 1 s. A leader that does not know that a later term has begun finds it within 10 s, or, where the database
 * had refused a term to another one, which then took one only to give way, within another 10 s.
 */
function boundOf({ locks, staysHidden }: ElectionEnvironment, faults: readonly ElectionFault[]): number {
  const found = locks === 'works' ? 30_000 : 2_000
  const overtaken = faults.some(({ kind }) => kind === 'refuse') ? 20_000 : 10_000
  return found + overtaken + (staysHidden ? 4 * MINUTE : 0)
}

function openings(random: Random, tabs: number, withinMs: number): ElectionOperation[] {
  const at = () => (random.chance(0.6) ? 0 : random.below(withinMs))
  return Array.from({ length: tabs }, (_, tab) => ({ at: tab === 0 ? 0 : at(), kind: 'open', tab }))
}

function operationOf(random: Random, tabs: number, chaosMs: number): ElectionOperation {
  const at = random.below(chaosMs)
  const aim: Aim = random.chance(0.6) ? 'leader' : random.below(tabs)
  const ms = random.chance(0.5) ? random.below(1_500) : random.below(chaosMs)
  const dice = random.next()
  if (dice < 0.14) return { at, kind: 'crash', aim, freedMs: freedAfter(random) }
  if (dice < 0.24) return { at, kind: 'close', aim }
  if (dice < 0.36) return { at, kind: 'freeze', aim, ms }
  if (dice < 0.54) return { at, kind: 'stop', aim, ms }
  if (dice < 0.64) return { at, kind: 'cache', aim, ms }
  if (dice < 0.74) return { at, kind: random.pick(['hide', 'hide', 'show']), aim }
  if (dice < 0.82) return { at, kind: 'steal', ms: random.chance(0.2) ? Number.POSITIVE_INFINITY : ms }
  return { at, kind: 'open', tab: random.below(tabs) }
}

function freedAfter(random: Random): number {
  if (random.chance(0.15)) return Number.POSITIVE_INFINITY
  return random.chance(0.5) ? 0 : random.below(1_500)
}

function faultOf(random: Random, chaosMs: number): ElectionFault {
  const from = random.chance(0.4) ? 0 : random.below(chaosMs)
  const to = random.chance(0.4) ? chaosMs : random.between(from, chaosMs)
  const share = random.pick([0.1, 0.5, 1])
  const dice = random.next()
  if (dice < 0.45) return { from, to, share, kind: 'loss' }
  if (dice < 0.7) return { from, to, share, kind: 'delay', ms: random.pick([100, 1_000, 8_000]) }
  return { from, to, share, kind: 'refuse', all: random.chance(0.5) }
}
