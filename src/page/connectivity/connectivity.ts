import { isRecent, type Link } from '../../protocol/link.ts'
import { createLinkState, type LinkState, type LinkStatePorts } from './link-state.ts'
import { createLinkWatch, type LinkWatch, type LinkWatchPorts, type RequestOutcome } from './link-watch.ts'

export interface ConnectivityPorts extends LinkStatePorts, Omit<LinkWatchPorts, 'state' | 'isOn'> {
  /** Where `online` and `offline` are heard. */
  window: EventTarget
}

/** Why somebody wants to know: the page is shown, something is to be sent, or a person asks. */
export type CheckReason = 'shown' | 'send' | 'manual'

/** Knows whether, and how well, the server is reached. */
export interface Connectivity {
  /** This tab leads: it looks for itself. Does nothing where it does so already. */
  start(): void
  /** It leads no more. Ends a probe under way. */
  stop(): void
  /**
   * Asks soon, where this tab leads, there is a probe, and what is known is not good enough: it is older than 30 s, or
   * not online. `manual` asks in any case, also where the browser sees no network. Joins a probe under way. Resolves
   * with what is then known, at once where nothing is asked. Never rejects.
   */
  check(reason: CheckReason): Promise<Link>
  /** Takes what a real request has shown: an answer is believed, and the lack of one is a reason to look. */
  report(outcome: RequestOutcome): void
  /** Takes what the leader has found out; the leader itself does not, and nobody what is too old to go by. */
  hear(link: Link): void
  get(): Link
}

/**
 * Follows the browser's word and checks it. Where the browser says offline, that is believed at once, and looked into
 * once a minute, since some browsers are wrong about it for hours; where it says online, that is believed until a probe
 * fails. While not online, probes follow each other by full jitter from 1 s up to 60 s; while online, there is no
 * traffic but after a request that failed, when somebody asks, and once a minute where the link was found to be slow.
 *
 * Timers of hidden pages ring once a minute; nothing here needs them to be punctual. Without a probe, a report of failure
 * is believed for a minute, then the browser again: nobody would find out otherwise.
 *
 * @example
 * const connectivity = createConnectivity({ ...ports, probe: defaultProbe('/sw.js', 5000), onChange: showLink })
 * connectivity.start()
 * await connectivity.check('manual') // { online: true, quality: 'fast', saveData: false, latencyMs: 40, measuredAt: … }
 */
export function createConnectivity(ports: ConnectivityPorts): Connectivity {
  const { now, probe, signal } = ports
  let isLeading = false
  const state = createLinkState(ports)
  const isOn = () => !signal.aborted && (isLeading || !probe)
  const watch = createLinkWatch({ ...ports, state, isOn })
  const isWorthAsking = () => (state.get().online ? state.ageMs() > GOOD_FOR_MS : state.browserSaysOnline())
  const stop = () => {
    isLeading = false
    if (!isOn()) watch.end()
  }
  listen(ports, state, watch)
  signal.addEventListener('abort', stop)

  return {
    start() {
      if (isLeading || signal.aborted) return
      isLeading = true
      watch.follow()
      if (probe && isWorthAsking()) watch.askSoon()
      else watch.askInTurn()
    },
    stop,
    async check(reason) {
      watch.follow()
      if (!probe || !isOn() || !(watch.isAsking() || reason === 'manual' || isWorthAsking())) return state.get()
      watch.askSoon()
      await watch.asked()
      return state.get()
    },
    report(outcome) {
      watch.follow()
      if (outcome.ok) believe(outcome, ports, state, watch)
      else if (state.get().online) doubt(ports, state, watch)
    },
    hear(link) {
      if (isLeading || signal.aborted || !isRecent(link, now())) return
      watch.end()
      state.adopt(link)
      watch.askInTurn()
    },
    get: state.get,
  }
}

function listen({ window, connection, signal }: ConnectivityPorts, state: LinkState, watch: LinkWatch): void {
  const onOnline = () => {
    // Another network, which the browser did not leave the old one for.
    if (!watch.follow()) watch.askSoon()
  }
  window.addEventListener('offline', watch.follow, { signal })
  window.addEventListener('online', onOnline, { signal })
  connection()?.addEventListener?.('change', state.followConnection, { signal })
}

function believe(outcome: RequestOutcome, { probe }: ConnectivityPorts, state: LinkState, watch: LinkWatch): void {
  // The answer may have been on its way when the browser lost the network: rather ask than be online for long.
  const isDoubtful = !state.get().online && !state.browserSaysOnline()
  if (probe && isDoubtful) watch.askSoon()
  else {
    // On a slow link the next measurement goes on: answers come all the time, and say nothing of the time they took.
    if (!state.isSlow()) watch.end()
    watch.learn(outcome)
    watch.askInTurn()
  }
}

function doubt({ probe }: ConnectivityPorts, state: LinkState, watch: LinkWatch): void {
  state.doubt()
  if (probe) watch.askSoon(DOUBTS_APART_MS)
  else {
    watch.learn({ ok: false })
    watch.askInTurn()
  }
}

/** While online, for how long what was found out is good enough. */
const GOOD_FOR_MS = 30_000

/** Requests that fail while probes succeed have another reason than the network. */
const DOUBTS_APART_MS = 5_000
