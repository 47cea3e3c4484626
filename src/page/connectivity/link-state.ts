import type { Link } from '../../protocol/link.ts'
import { tellAll } from '../../tabs/tell-all.ts'
import { createLatencies } from './latencies.ts'

/** What is used of NetworkInformation (WICG), which Chromium has and others have not. */
export interface ConnectionInfo {
  saveData?: boolean
  effectiveType?: string
  addEventListener?(type: 'change', listener: () => void, options: { signal: AbortSignal }): void
}

export interface LinkStatePorts {
  /** Milliseconds since the epoch. */
  now: () => number
  /** Milliseconds by a clock that nobody sets, as `performance.now()`. */
  monotonic: () => number
  /** `navigator.onLine`: false where the browser sees no network, which it may be wrong about; true proves nothing. */
  isOnline: () => boolean
  /** `navigator.connection`, where there is one. */
  connection: () => ConnectionInfo | undefined
  /**
   * Called when `online`, `quality` or `saveData` has changed; and when all is as before but was found out anew, at
   * most once a minute, so that whoever was told may go on believing it.
   */
  onChange: (link: Link) => void
  signal: AbortSignal
}

/** What is known, from whatever source, and the link that follows from it. */
export interface LinkState {
  get(): Link
  /** What the browser said when it was last asked. */
  browserSaysOnline(): boolean
  /** Whether small answers took long when they were last measured. */
  isSlow(): boolean
  /** How long ago there was evidence; without end where there was none since the network changed, or it is in doubt. */
  ageMs(): number
  /** Asks the browser again; whether it says something else than before, which ends what was known. */
  followBrowser(): boolean
  /** Takes what a request has shown. */
  learn(reached: boolean, latencyMs?: number): void
  /** Takes what another tab has found out. */
  adopt(link: Link): void
  /** There is reason to look again. */
  doubt(): void
  /** Believes the browser again. */
  forget(): void
  /** Takes the change of NetworkInformation. */
  followConnection(): void
}

export function createLinkState(ports: LinkStatePorts): LinkState {
  const { now, monotonic, isOnline, connection, onChange, signal } = ports
  const latencies = createLatencies()
  let browser = isOnline()
  /** What the last evidence says; without any, the browser is believed. */
  let reached: boolean | undefined
  let foundAt = Number.NEGATIVE_INFINITY
  let link = toLink()
  let toldAt = monotonic()

  function toLink(): Link {
    const online = reached ?? browser
    const { saveData, effectiveType = '' } = connection() ?? {}
    const speed = latencies.isSlow() || SLOW_TYPES.includes(effectiveType) ? 'slow' : 'fast'
    const latencyMs = online ? latencies.median() : undefined
    const found: Link = { online, quality: online ? speed : 'none', saveData: saveData === true, measuredAt: now() }
    return latencyMs === undefined ? found : { ...found, latencyMs }
  }

  function publish(next: Link): void {
    const isOther = next.online !== link.online || next.quality !== link.quality || next.saveData !== link.saveData
    link = next
    if (signal.aborted || !(isOther || monotonic() - toldAt >= TELL_AGAIN_MS)) return
    toldAt = monotonic()
    tellAll([onChange], link)
  }

  function conclude(evidence: boolean | undefined): void {
    reached = evidence
    foundAt = evidence === undefined ? Number.NEGATIVE_INFINITY : monotonic()
  }

  return {
    get: () => link,
    browserSaysOnline: () => browser,
    isSlow: latencies.isSlow,
    ageMs: () => monotonic() - foundAt,
    followBrowser() {
      const is = isOnline()
      if (is === browser) return false
      browser = is
      latencies.reset()
      conclude(undefined)
      publish(toLink())
      return true
    },
    learn(evidence, latencyMs) {
      if (latencyMs !== undefined) latencies.add(latencyMs, monotonic())
      conclude(evidence)
      publish(toLink())
    },
    adopt(heard) {
      latencies.reset({ latencyMs: heard.latencyMs, isSlow: heard.quality === 'slow', at: monotonic() })
      conclude(heard.online)
      publish({ ...heard })
    },
    doubt() {
      foundAt = Number.NEGATIVE_INFINITY
    },
    forget() {
      conclude(undefined)
      publish(toLink())
    },
    followConnection: () => publish(toLink()),
  }
}

const SLOW_TYPES = ['slow-2g', '2g']

const TELL_AGAIN_MS = 60_000
