import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchPage } from './browser.ts'
import { median, percentile, type Ratio, ratioOf } from './statistics.ts'
import { table } from './table.ts'
import { CONTENDER_LABELS, contendersWith } from './tabs-contenders.ts'
import { type Tab, withTabs } from './tabs-open.ts'
import { clock } from './tabs-page/clock.ts'
import type { ContenderName } from './tabs-page/contenders.ts'

const TABS = 3
const ROUNDS = { withLocks: 20, without: 12 }

/** Until what a tab does at its start is over. */
const REST_MS = 1_000

/** Who looks after the leader by a timer finds out sooner or later: broadcast-channel looks every three seconds. */
const SPREAD_MS = 3_000

type End = 'closed' | 'crashed'

/** For each round the time from the end of the leading tab until another one led. */
export interface Failovers {
  locks: boolean
  end: End
  times: Record<ContenderName, number[]>
}

/**
 * One tab leads for all contenders, and is ended; so all of them have lost their leader at the same moment. A first round
 * is thrown away.
 */
export async function measureFailovers(opened: BenchPage): Promise<Failovers[]> {
  const all: Failovers[] = []
  for (const locks of [true, false]) {
    for (const end of ['closed', 'crashed'] as const) all.push(await measureOne(opened, locks, end))
  }
  return all
}

async function measureOne(opened: BenchPage, locks: boolean, end: End): Promise<Failovers> {
  const times: Failovers['times'] = { ours: [], bareLock: [], broadcastChannel: [] }
  const rounds = locks ? ROUNDS.withLocks : ROUNDS.without
  for (let round = 0; round <= rounds; round += 1) {
    // Every part of the interval alike, and not by chance.
    const spread = locks ? 0 : (SPREAD_MS * round) / rounds
    const names = rotated(contendersWith(locks), round)
    const took = await withTabs(opened, { count: TABS, locks }, tabs => failOver(tabs, { names, end, spread }))
    if (round > 0) for (const [name, ms] of took) times[name].push(ms)
  }
  return { locks, end, times }
}

/** Whoever began first is first to be told, and the others of the same tab wait for what it does then. */
function rotated<T>(items: T[], by: number): T[] {
  const first = by % items.length
  return [...items.slice(first), ...items.slice(0, first)]
}

interface Case {
  /** In the order in which they take part. */
  names: ContenderName[]
  end: End
  /** How much later than usual the leader is ended, in milliseconds. */
  spread: number
}

async function failOver([leader, ...others]: Tab[], { names, end, spread }: Case): Promise<[ContenderName, number][]> {
  if (!leader) throw new Error('There is no tab.')
  for (const name of names) {
    await leader.call('stand', name, 0)
    await leader.call('ledAt', name)
  }
  for (const tab of others) for (const name of names) await tab.call('stand', name, 0)
  await sleep(REST_MS + spread)
  await assertLeaders(others, names, 0)
  const endNow = await endingOf(leader, end)
  const ledAt = Promise.all(names.map(name => Promise.race(others.map(tab => tab.call('ledAt', name)))))
  const endedAt = clock()
  const [moments] = await Promise.all([ledAt, endNow()])
  await assertLeaders(others, ['ours'], 1)
  return names.map((name, index) => [name, (moments[index] ?? Number.NaN) - endedAt])
}

async function assertLeaders(tabs: Tab[], names: ContenderName[], expected: number): Promise<void> {
  for (const name of names) {
    const leading = await Promise.all(tabs.map(tab => tab.call('leading', name)))
    const leaders = leading.filter(({ ever }) => ever).length
    if (leaders !== expected) throw new Error(`${name}: ${leaders} of the other tabs led, instead of ${expected}.`)
  }
}

/** What ends that tab: closed as by a person, or its process ended without another word. */
async function endingOf({ page }: Tab, end: End): Promise<() => Promise<unknown>> {
  if (end === 'closed') return () => page.close()
  const session = await page.context().newCDPSession(page)
  return () => {
    const crashed = page.waitForEvent('crash')
    // There is nobody left to answer.
    session.send('Page.crash').catch(() => undefined)
    return crashed
  }
}

interface Comparison {
  label: string
  locks: boolean
  end: End
  of: ContenderName
  by: ContenderName
  aim?: { most: number } | { least: number }
}

const COMPARISONS: Comparison[] = [
  { label: 'ours / a bare Web Lock', locks: true, end: 'crashed', of: 'ours', by: 'bareLock', aim: { most: 1.2 } },
  { label: 'ours / a bare Web Lock', locks: true, end: 'closed', of: 'ours', by: 'bareLock' },
  {
    label: 'broadcast-channel / ours',
    locks: false,
    end: 'crashed',
    of: 'broadcastChannel',
    by: 'ours',
    aim: { least: 2 },
  },
  { label: 'broadcast-channel / ours', locks: false, end: 'closed', of: 'broadcastChannel', by: 'ours' },
]

/** What the aims are about. */
export function failoverRatios(all: Failovers[]): string {
  const lines = COMPARISONS.map(({ label, locks, end, of, by, aim }) => {
    const times = all.find(one => one.locks === locks && one.end === end)?.times
    const where = [label, locks ? 'yes' : 'no', end]
    if (!times) return [...where, 'not measured', '', '']
    const ratio = ratioOf(times[of], times[by])
    return [...where, inBrackets(ratio), ...(aim ? [wordsOf(aim), verdict(ratio, aim)] : ['', ''])]
  })
  return table([['ratio of failovers', 'Web Locks', 'leader', 'median [quartiles]', 'aim', ''], ...lines])
}

function inBrackets({ median: middle, low, high }: Ratio): string {
  return `${middle.toFixed(2)} [${low.toFixed(2)} – ${high.toFixed(2)}]`
}

function wordsOf(aim: { most: number } | { least: number }): string {
  return 'most' in aim ? `≤ ${aim.most}` : `≥ ${aim.least}`
}

function verdict({ median: middle }: Ratio, aim: { most: number } | { least: number }): string {
  const isMet = 'most' in aim ? middle <= aim.most : middle >= aim.least
  return isMet ? 'met' : 'MISSED'
}

export function failoverTimes(all: Failovers[]): string {
  const lines = all.flatMap(({ locks, end, times }) =>
    contendersWith(locks).map(name => [
      CONTENDER_LABELS[name],
      locks ? 'yes' : 'no',
      end,
      median(times[name]).toFixed(1),
      percentile(times[name], 0.95).toFixed(1),
      String(times[name].length),
    ]),
  )
  return table([['failover', 'Web Locks', 'leader', 'median ms', 'p95 ms', 'rounds'], ...lines])
}
