import { type Mutation, sizeOf } from '../protocol/mutation.ts'
import { laneOf, originOf } from '../protocol/queue-key.ts'
import type { Storage } from '../storage/open-storage.ts'
import type { Channel } from '../tabs/channel.ts'
import { createAttemptSignal } from './attempt-signal.ts'
import type { Claimed } from './claim.ts'
import type { Counters } from './counters.ts'
import type { Handlers } from './handlers.ts'
import type { MetricsRecord } from './metrics.ts'
import type { Judge } from './own-judge.ts'
import type { RunAuth } from './run-auth.ts'
import type { RunPace } from './run-pace.ts'
import type { BatchMemory } from './send-batch.ts'
import type { Settings } from './settings.ts'
import type { MarkTiming } from './timing-marks.ts'
import type { Ended } from './turn.ts'

/** What the drain takes from the context it runs in. */
export interface DrainPorts {
  storage: Storage
  channel: Channel
  fetch: typeof fetch
  /** The app's own origin. */
  origin: string
  now: () => number
  random: () => number
  isOnline: () => boolean
  /** Calls `fn` whenever the browser says that the network is gone, until the signal is aborted. */
  onOffline?: (fn: () => void, signal: AbortSignal) => void
  timeout: (delayMs: number) => AbortSignal
  /** Resolves after that time, or when the signal is aborted. */
  sleep: (delayMs: number, signal?: AbortSignal) => Promise<void>
  /** Who this context is, in the leases. */
  holder: string
  /** The app's own functions, by name. */
  handlers?: Handlers
  /** Shows what happens in the browser's own tools. */
  mark?: MarkTiming
  /** Aborted when this context must stop sending. */
  signal?: AbortSignal
}

export interface DrainOptions {
  /** No attempt begins after this time, and one under way is ended then. Milliseconds since the epoch. */
  deadline: number
  /** What failed before this time for want of a network is due at once; 0 where nothing says that it is back. */
  eagerBefore: number
  /** Whether the caller holds the drain lock. */
  exclusive: boolean
}

/** What a run works by. */
export interface RunParts {
  settings: Settings
  auth: RunAuth
  /** The app's own judge. */
  judgeOwn: Judge | undefined
  pace: RunPace
  metrics: MetricsRecord
  /** How many were claimed in former runs and this one. */
  turns: number
  /** Whether nobody has looked for answers that are too old for some time. */
  mayHaveOldAnswers: boolean
  /** When the first lease of somebody else runs out, where there is one. */
  leaseEndsAt: number | undefined
}

/** One run of the drain: what it has at hand, and what it has learned. */
export interface Run extends DrainPorts, DrainOptions, RunParts {
  startedAt: number
  /** Under our lease, and not sent yet. */
  claimed: Claimed[]
  /** Requests under way. */
  inFlight: number
  /** Attempts whose end is not on record yet. */
  ended: Ended[]
  /** Resolves at the next end of an attempt. */
  nextEnd: () => Promise<void>
  hasEnded: () => void
  /** Whether the last claim found less than it asked for, and nothing has changed since. */
  isDry: boolean
  /** How often something new may have become ready. */
  news: number
  /** Whether nothing more can be sent: the device is offline, or a person has to act first. */
  isStopped: boolean
  /** Whether this run has to end, although its time is not over. */
  isCut: boolean
  /** Whether what is at hand may not be ours to send any more: the queue was paused, or somebody else signed in. */
  isStale: boolean
  /** How often that was said. */
  changes: number
  /** Whether any server answered in this run, where one was asked: until then one request at a time asks whether there is a network. */
  isAnswered: boolean | undefined
  /** What the run has learned about the endpoint for batches. */
  batches: BatchMemory
  /** Gives the signal for an attempt that begins now. */
  attemptSignal: () => AbortSignal
  /** Ends what is on its way, when this run cannot go on. */
  giveUp: AbortController
  /** Whether a claim gave anything in this run. */
  hasClaimed: boolean
  synced: number
  failed: number
  /** When the next of what waits is due, as far as it is known. Milliseconds since the epoch, or infinity. */
  nextDueAt: number
  /** As of the last turn; nothing before the first. */
  counters: Counters | undefined
  /** The lane whose mutations this run claims, as of the last turn. */
  lane: string
}

export function createRun(ports: DrainPorts, options: DrainOptions, parts: RunParts): Run {
  const giveUp = new AbortController()
  const ends = [giveUp.signal, ...(ports.signal ? [ports.signal] : [])]
  let resolve = () => {}
  let next = new Promise<void>(done => {
    resolve = done
  })
  return {
    ...ports,
    ...options,
    ...parts,
    startedAt: ports.now(),
    claimed: [],
    inFlight: 0,
    ended: [],
    nextEnd: () => next,
    hasEnded() {
      resolve()
      next = new Promise(done => {
        resolve = done
      })
    },
    isDry: false,
    news: 0,
    isStopped: false,
    isCut: false,
    isStale: false,
    changes: 0,
    isAnswered: undefined,
    batches: {},
    giveUp,
    attemptSignal: createAttemptSignal({ ...ports, deadline: options.deadline, ends }),
    hasClaimed: false,
    synced: 0,
    failed: 0,
    nextDueAt: Number.POSITIVE_INFINITY,
    counters: undefined,
    lane: '',
  }
}

/** Whether no attempt may begin any more. */
export function isOver({ now, deadline, signal, isStopped, isCut }: Run): boolean {
  return isStopped || isCut || now() + LEAST_TIME_MS > deadline || signal?.aborted === true
}

/** How many mutations one request carries, at most. */
export function perRequest({ settings: { pace }, batches }: Run): number {
  return pace.endpoint === undefined || batches.isUseless ? 1 : pace.batchSize
}

/** How many more are worth having at hand: for each request that may go out to some origins at once, and as many again. */
export function wanted(run: Run): number {
  const requests = 2 * ORIGINS_AT_ONCE * run.settings.pace.concurrency.max
  return Math.max(0, (requests - run.inFlight) * perRequest(run) - run.claimed.length)
}

/** How many more of them for one origin. Until a server has answered, one request to each asks whether there is a network. */
export function wantedFor(run: Run, origin: string): number {
  const { pace, isAnswered, claimed } = run
  // A batch at hand is many mutations: half as many will do.
  const appetite = pace.appetite(origin) / (perRequest(run) > 1 ? 2 : 1)
  const requests = Math.min(appetite, isAnswered ? Number.POSITIVE_INFINITY : 2)
  const atHand = claimed.filter(({ mutation }) => originOf(mutation) === origin).length
  return (requests - pace.inFlight(origin)) * perRequest(run) - atHand
}

/** Whether a mutation is of the one who uses the app, as far as this run knows, and not too late. */
export function isWanted({ lane, isStale, now }: Run, { principal, expiresAt = now() }: Mutation): boolean {
  return !isStale && laneOf(principal) === lane && now() <= expiresAt
}

/** Whether its body is larger than the app wants to send on a slow link, and this is one. */
export function isTooLarge({ settings: { pace } }: Run, mutation: Mutation): boolean {
  return sizeOf(mutation) > (pace.mostBytes ?? Number.POSITIVE_INFINITY)
}

/** That many origins are kept busy without waiting for each other. */
const ORIGINS_AT_ONCE = 4

/** With less time than this left, no attempt begins: it would only be cut off. */
const LEAST_TIME_MS = 1_000
