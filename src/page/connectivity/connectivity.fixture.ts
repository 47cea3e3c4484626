import { createVirtualTime } from '../../outbox/virtual-time.fixture.ts'
import type { Link } from '../../protocol/link.ts'
import { createConnectivity } from './connectivity.ts'
import type { ConnectionInfo } from './link-state.ts'
import { defaultProbe } from './probe.ts'

/** What stands between the page and the server. */
export type Path = 'up' | 'slow' | 'refused' | 'hanging' | 'portal' | 'redirecting'

export interface SetUpOptions {
  path?: Path
  isOnline?: boolean
  info?: ConnectionInfo
  random?: () => number
  hasProbe?: boolean
}

export const START = Date.parse('2026-11-21T12:00:00Z')

/** A tab with a clock, a network and a browser of the test's own. */
export function setUp(options: SetUpOptions = {}) {
  const time = createVirtualTime(START)
  const page = new AbortController()
  const window = new EventTarget()
  const world = { path: options.path ?? 'up', isOnline: options.isOnline ?? true, info: options.info, skewMs: 0 }
  const probes: number[] = []
  const links: Link[] = []
  const underWay = { now: 0, most: 0 }
  const monotonic = () => time.now() - START - world.skewMs
  const connectivity = createConnectivity({
    fetch: async (_url, init) => {
      probes.push(monotonic())
      underWay.now += 1
      underWay.most = Math.max(underWay.most, underWay.now)
      try {
        return await request(world.path, time.sleep, init?.signal ?? undefined)
      } finally {
        underWay.now -= 1
      }
    },
    now: time.now,
    monotonic,
    random: options.random ?? (() => 1),
    sleep: time.sleep,
    isOnline: () => world.isOnline,
    connection: () => world.info,
    probe: options.hasProbe === false ? undefined : defaultProbe('/sw.js', 5_000),
    onChange: link => links.push(link),
    window,
    signal: page.signal,
  })
  return {
    connectivity,
    world,
    probes,
    links,
    underWay,
    monotonic,
    drive: time.drive,
    wait: (ms: number) => time.drive(time.sleep(ms)),
    /** The browser's word, with its event, unless it forgets it. */
    setOnline(isOnline: boolean, { silently = false } = {}) {
      world.isOnline = isOnline
      if (!silently) window.dispatchEvent(new Event(isOnline ? 'online' : 'offline'))
    },
    jumpClock(ms: number) {
      world.skewMs += ms
      time.set(time.now() + ms)
    },
    close: () => page.abort(),
  }
}

type Sleep = (delayMs: number, signal?: AbortSignal) => Promise<void>

async function request(path: Path, sleep: Sleep, signal: AbortSignal | undefined): Promise<Response> {
  signal?.throwIfAborted()
  await sleep(DELAYS_MS[path], signal)
  signal?.throwIfAborted()
  if (path === 'refused') throw new TypeError('Failed to fetch')
  const type = path === 'portal' ? 'text/html' : 'text/javascript'
  const response = new Response(null, { headers: { 'content-type': type } })
  // What a page sees of a redirect that is not followed.
  if (path === 'redirecting') Object.defineProperties(response, { status: { value: 0 }, ok: { value: false } })
  return response
}

const DELAYS_MS: Record<Path, number> = {
  up: 40,
  slow: 1_500,
  refused: 5,
  hanging: 24 * 60 * 60 * 1000,
  portal: 20,
  redirecting: 20,
}
