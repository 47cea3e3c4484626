import { retryDelay } from '../../outbox/retry-delay.ts'
import type { LinkState } from './link-state.ts'
import { createLookout } from './lookout.ts'
import type { Probe } from './probe.ts'
import { type ProbePorts, runProbe } from './run-probe.ts'

/** What came of a request: an answer of the server, whatever its status, and how long a small one took; or none. */
export type RequestOutcome = { ok: true; latencyMs?: number } | { ok: false }

export interface LinkWatchPorts extends ProbePorts {
  random: () => number
  /** Without one there is nobody to ask: what was known is forgotten after a while, and the browser believed again. */
  probe: Probe | undefined
  state: LinkState
  /** Whether this tab looks for itself. */
  isOn: () => boolean
}

/** Looks whether the server is in reach. */
export interface LinkWatch {
  /** Asks, but not within that time of the last one: there may be many reasons at once. Joins a probe under way. */
  askSoon(apartMs?: number): void
  /** Asks when it is time, as things stand: while online, only where that is slow. */
  askInTurn(): void
  isAsking(): boolean
  /** Resolves when the next answer is known, or nobody wants it any more. */
  asked(): Promise<void>
  /** Takes what the browser says now; whether it has changed. */
  follow(): boolean
  /** Takes what a request has shown. */
  learn(outcome: RequestOutcome): void
  /** Ends a probe under way and the wait for the next. */
  end(): void
}

export function createLinkWatch(ports: LinkWatchPorts): LinkWatch {
  const { monotonic, random, probe, state, isOn } = ports
  const lookout = createLookout({ ...ports, look })
  let failures = 0
  let lookedAt = Number.NEGATIVE_INFINITY

  async function look(until: AbortSignal): Promise<number> {
    follow()
    if (until.aborted) return NEVER
    lookedAt = monotonic()
    if (!probe) state.forget()
    else {
      const outcome = await runProbe(ports, probe, until)
      if (outcome.kind === 'stopped') return NEVER
      learn(outcome.kind === 'reached' ? { ok: true, latencyMs: outcome.latencyMs } : { ok: false })
    }
    return untilNextMs()
  }

  function learn(outcome: RequestOutcome): void {
    failures = outcome.ok ? 0 : failures + 1
    state.learn(outcome.ok, outcome.ok ? outcome.latencyMs : undefined)
  }

  function untilNextMs(): number {
    // Only who asks hears that it has become better, and what is large waits for that.
    if (state.get().online) return state.isSlow() ? untilMeasuredMs() : NEVER
    if (!probe || !state.browserSaysOnline()) return SLOW_RATE_MS
    return Math.max(SHORTEST_MS, retryDelay({ failures, policy: BACKOFF, random }))
  }

  function untilMeasuredMs(): number {
    const sinceMs = monotonic() - lookedAt
    // What another tab has measured is as good as new.
    return Number.isFinite(sinceMs) ? Math.max(0, SLOW_RATE_MS - sinceMs) : SLOW_RATE_MS
  }

  function askSoon(apartMs = APART_MS): void {
    if (probe && isOn()) lookout.within(Math.max(0, lookedAt + apartMs - monotonic()))
  }

  function askInTurn(): void {
    if (isOn()) lookout.within(untilNextMs())
  }

  function follow(): boolean {
    if (!state.followBrowser()) return false
    failures = 0
    // A probe under way was about another network.
    lookout.end()
    if (state.browserSaysOnline()) askSoon()
    else askInTurn()
    return true
  }

  return { askSoon, askInTurn, isAsking: lookout.isLooking, asked: lookout.over, follow, learn, end: lookout.end }
}

const NEVER = Number.POSITIVE_INFINITY

/** While not online: the bound of the first delay, and the greatest. */
const BACKOFF = { baseMs: 1_000, capMs: 60_000 }

/** Full jitter may draw nothing at all; a page must not spin. */
const SHORTEST_MS = 250

/** How often a browser that says offline is not believed, and a link that is slow measured again. */
const SLOW_RATE_MS = 60_000

/** Looks that somebody asked for are so far apart. */
const APART_MS = 1_000
