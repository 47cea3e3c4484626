import type { SendOutcome } from '../protocol/settlement.ts'
import { wholeLimit } from './pace/concurrency-limit.ts'
import { decide, onAbandoned, onAnswer, onNetworkFailure, onSend } from './pace/origin-pace.ts'
import type { ResolvedPace } from './pace/pace-options.ts'
import { type PaceState, paceOf, withPace } from './pace/pace-state.ts'
import { readRateLimit } from './pace/rate-limit-fields.ts'
import { mayRetry } from './pace/retry-budget.ts'

/** The record of `meta` that holds the pace of every origin, and when somebody last drained. */
export const PACE_KEY = 'pace'

export interface PaceRecord {
  /** Milliseconds since the epoch. */
  at: number
  /** How many mutations were ever claimed, to know whose turn it is. */
  turns: number
  state: unknown
}

/** What may be sent to an origin now: so many requests, or none before a time. */
export type Room = { slots: number } | { until: number }

/** How one request ended. */
export interface RequestEnd {
  /** The mutation, or the first of a batch. */
  id: string
  outcome: SendOutcome
  headers?: Headers
  rttMs: number
  isRetry: boolean
  /** We ended it ourselves, because our time was up: nothing was learned. */
  isAbandoned: boolean
}

/** How fast one run of the drain sends, to each origin by itself. */
export interface RunPace {
  room(origin: string): Room
  /** Until when the next request to an origin has to wait for its rest. Milliseconds since the epoch. */
  restUntil(origin: string): number
  /** How many requests are worth having at hand for an origin, those under way included. */
  appetite(origin: string): number
  inFlight(origin: string): number
  /** Until when a retry has to wait, so that retries stay few among all requests. */
  retryUntil(origin: string): number | undefined
  begin(origin: string, request: { isRetry: boolean }): void
  /** To be called for each that has begun: what it came to decides how fast the next ones go. */
  end(origin: string, request: RequestEnd): void
  state(): PaceState
}

export interface RunPaceOptions {
  settings: ResolvedPace
  state: PaceState
  now: () => number
  random: () => number
  /** What failed before this time for want of a network is no reason to wait. */
  eagerBefore: number
  /** Whether more waits to be sent to an origin. */
  hasMore: (origin: string) => boolean
}

export function createRunPace(options: RunPaceOptions): RunPace {
  const { settings, now, random, eagerBefore, hasMore } = options
  const bounds = settings.concurrency
  const underWay = new Map<string, number>()
  const silent = new Map<string, string>()
  let state = options.state
  const inFlight = (origin: string) => underWay.get(origin) ?? 0
  const of = (origin: string) => paceOf(state, origin, now(), bounds)

  function room(origin: string): Room {
    const decision = decide(of(origin), { now: now(), inFlight: inFlight(origin), bounds, eagerBefore })
    if (decision.kind === 'wait') return { until: decision.until }
    return { slots: decision.kind === 'probe' ? 1 : decision.slots }
  }

  return {
    room,
    inFlight,
    state: () => state,
    restUntil(origin) {
      const { sentAt } = of(origin)
      // A time from the future was noted before the clock was set back.
      return settings.delayMs === 0 || sentAt > now() ? 0 : sentAt + settings.delayMs
    },
    appetite: origin => ('until' in room(origin) ? 0 : AT_HAND * wholeLimit(of(origin).limit, bounds)),
    retryUntil(origin) {
      const verdict = mayRetry(of(origin).budget, now())
      return verdict.kind === 'wait' ? verdict.until : undefined
    },
    begin(origin, { isRetry }) {
      const at = now()
      underWay.set(origin, inFlight(origin) + 1)
      state = withPace(state, origin, onSend(of(origin), { now: at, isRetry }), at)
    },
    end(origin, { id, outcome, headers, rttMs, isRetry, isAbandoned }) {
      const ports = { now: now(), random, bounds }
      const before = of(origin)
      const sample = { rttMs, inFlight: inFlight(origin), moreWork: hasMore(origin), isRetry }
      underWay.set(origin, inFlight(origin) - 1)
      const isSilent = outcome.kind === 'retry' && outcome.code === 'network'
      // One alone may be the fault of that mutation, and the others must not wait for it.
      const first = silent.get(origin) ?? id
      if (isSilent) silent.set(origin, first)
      else silent.delete(origin)
      const after =
        isAbandoned || (isSilent && first === id)
          ? onAbandoned(before, { rttMs }, ports)
          : isSilent
            ? onNetworkFailure(before, { rttMs }, ports)
            : onAnswer(before, { ...sample, ...answerOf(outcome, headers) }, ports)
      state = withPace(state, origin, after, ports.now)
    },
  }
}

function answerOf(outcome: SendOutcome, headers: Headers | undefined) {
  return {
    status: outcome.status ?? ('timeout' as const),
    ...(outcome.kind === 'retry' && { retryAfterMs: outcome.retryAfterMs }),
    ...(headers && { rateLimit: readRateLimit(headers) }),
  }
}

/** For each request that may be under way, so many: a turn takes as long as an answer of a server nearby. */
const AT_HAND = 4
