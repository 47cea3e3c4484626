import type { Storage } from '../storage/open-storage.ts'
import type { Channel } from '../tabs/channel.ts'
import type { Claimed } from './claim.ts'
import type { Ended } from './turn.ts'

/** What the drain takes from the context it runs in. */
export interface DrainPorts {
  storage: Storage
  channel: Channel
  fetch: typeof fetch
  now: () => number
  random: () => number
  isOnline: () => boolean
  timeout: (delayMs: number) => AbortSignal
  /** Resolves after that time, or when the signal is aborted. */
  sleep: (delayMs: number, signal?: AbortSignal) => Promise<void>
  /** Who this context is, in the leases. */
  holder: string
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

/** One run of the drain: what it has at hand, and what it has learned. */
export interface Run extends DrainPorts, DrainOptions {
  /** Under our lease, and not sent yet. */
  claimed: Claimed[]
  inFlight: number
  /** Attempts whose end is not on record yet. */
  ended: Ended[]
  /** Resolves at the next end of an attempt. */
  nextEnd: () => Promise<void>
  hasEnded: () => void
  /** Whether the last claim found less than it asked for, and nothing has changed since. */
  isDry: boolean
  /** Whether nothing more can be sent: the device is offline, or a person has to act first. */
  isStopped: boolean
  /** Origins that do not answer, and when each may be asked again. */
  unreachable: Map<string, number>
  /** The mutation that an origin left unanswered first, since it last answered. */
  silent: Map<string, string>
  /** Whether any server answered in this run: until then one request at a time asks whether there is a network. */
  isAnswered: boolean
  /** Ends what is on its way, when this run cannot go on. */
  giveUp: AbortController
  turns: number
  synced: number
  failed: number
  nextDueAt: number | undefined
}

export function createRun(ports: DrainPorts, options: DrainOptions, unreachable: Map<string, number>): Run {
  let resolve = () => {}
  let next = new Promise<void>(done => {
    resolve = done
  })
  return {
    ...ports,
    ...options,
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
    isStopped: false,
    unreachable,
    silent: new Map(),
    giveUp: new AbortController(),
    isAnswered: false,
    turns: 0,
    synced: 0,
    failed: 0,
    nextDueAt: undefined,
  }
}

/** Whether no attempt may begin any more. */
export function isOver({ now, deadline, signal, isStopped }: Run): boolean {
  return isStopped || now() + LEAST_TIME_MS > deadline || signal?.aborted === true
}

/** How many attempts may be on their way: until a server has answered, one asks whether there is a network. */
export function connections({ isAnswered }: Run): number {
  return isAnswered ? CONCURRENCY : 1
}

/** One for each free connection, and as many again, so that the next ones are at hand when an attempt ends. */
export function wanted(run: Run): number {
  return 2 * connections(run) - run.inFlight - run.claimed.length
}

/** With less time than this left, no attempt begins: it would only be cut off. */
const LEAST_TIME_MS = 1_000

/** Attempts at once: as many connections as browsers open to one origin over HTTP/1.1. */
const CONCURRENCY = 6
