import type { BenchPage } from './browser.ts'
import { readLedger } from './server.ts'
import { median, percentile } from './statistics.ts'
import { table } from './table.ts'
import { type Tab, withTabs } from './tabs-open.ts'
import type { WriterName } from './tabs-page/writers.ts'

const SEEN = 60
const ROUND_TRIPS = 80
const WARM_UP = 5
const MOST_MS = 10

/** Milliseconds, one for each write. */
type Times<Name extends string> = Record<Name, number[]>

export type Sights = Times<'stored' | 'told' | 'counted' | 'storedByHand' | 'toldByHand'>

/** How long a write in one tab takes to be seen in another. Ours and the one by hand take turns. */
export function measureSights(opened: BenchPage): Promise<Sights> {
  return withTabs(opened, { count: 2 }, async ([writer, watcher]) => {
    if (!writer || !watcher) throw new Error('There are no tabs.')
    const times: Sights = { stored: [], told: [], counted: [], storedByHand: [], toldByHand: [] }
    for (const name of ['ours', 'byHand'] as const) {
      for (const tab of [writer, watcher]) await tab.call('prepare', name)
    }
    for (let index = -WARM_UP; index < SEEN; index += 1) {
      const early = index % 2 === 0 ? await seeOne(writer, watcher, 'byHand') : undefined
      const ours = await seeOne(writer, watcher, 'ours')
      const byHand = early ?? (await seeOne(writer, watcher, 'byHand'))
      if (index < 0) continue
      times.stored.push(ours.stored)
      times.told.push(ours.told)
      times.counted.push(ours.counted)
      times.storedByHand.push(byHand.stored)
      times.toldByHand.push(byHand.told)
    }
    return times
  })
}

async function seeOne(writer: Tab, watcher: Tab, name: WriterName) {
  await writer.call('quiet')
  await watcher.call('lookOut', name)
  const { calledAt, storedAt } = await writer.call('write', name)
  const { toldAt, countedAt = Number.NaN } = await watcher.call('seen', name)
  return { stored: storedAt - calledAt, told: toldAt - calledAt, counted: countedAt - calledAt }
}

export interface RoundTrips {
  times: Times<'stored' | 'settled' | 'fetched' | 'fetchedPastWorker'>
  /** What the server got of each, in words. */
  delivered: string
}

/**
 * How long a write takes from `mutate()` until `settled`, beside `fetch()` of the same request: in the same tab, where it
 * passes through the service worker, and in a tab past the worker, as in an app without one. They take turns.
 */
export function measureRoundTrips(opened: BenchPage): Promise<RoundTrips> {
  return withTabs(opened, { count: 1 }, async ([tab]) =>
    withTabs(opened, { count: 1, worker: false }, async ([past]) => {
      if (!tab || !past) throw new Error('There are no tabs.')
      await tab.call('startSending')
      const times: RoundTrips['times'] = { stored: [], settled: [], fetched: [], fetchedPastWorker: [] }
      for (let index = -WARM_UP; index < ROUND_TRIPS; index += 1) {
        const { stored, settled, fetched, fetchedPastWorker } = await takeTurns(tab, past, index % 2 === 0)
        if (index < 0) continue
        times.stored.push(stored)
        times.settled.push(settled)
        times.fetched.push(fetched)
        times.fetchedPastWorker.push(fetchedPastWorker)
      }
      return { times, delivered: await deliveredWords(opened.origin) }
    }),
  )
}

const RUNS = { ours: 'round-trip', fetch: 'fetch', past: 'fetch-past-worker' }

async function takeTurns(tab: Tab, past: Tab, oursFirst: boolean) {
  const deliver = async () => {
    await tab.call('quiet')
    const times = await tab.call('deliver', urlOf(RUNS.ours))
    await tab.call('quiet')
    return times
  }
  const early = oursFirst ? await deliver() : undefined
  const fetched = await tab.call('fetch', urlOf(RUNS.fetch))
  const fetchedPastWorker = await past.call('fetch', urlOf(RUNS.past))
  return { fetched, fetchedPastWorker, ...(early ?? (await deliver())) }
}

function urlOf(run: string): string {
  return `/api/notes?run=${run}`
}

async function deliveredWords(origin: string): Promise<string> {
  const expected = ROUND_TRIPS + WARM_UP
  const { writes, distinct } = await readLedger(origin, RUNS.ours)
  if (writes === expected && distinct === expected) return 'Every write of ours came to the server, and came once.'
  return `WRONG: the server got ${distinct} of ${expected} writes of ours in ${writes} requests.`
}

export function sightTable({ stored, told, counted, storedByHand, toldByHand }: Sights): string {
  return table([
    ['from a write in one tab', 'median ms', 'p95 ms', 'writes'],
    timesLine('mutate() resolves: it is on the disk', stored),
    timesLine('hf.outbox.subscribe() calls in another tab', told),
    timesLine('hf.status of that tab counts it', counted),
    timesLine('by hand: one strict transaction', storedByHand),
    timesLine('by hand: one BroadcastChannel message is there', toldByHand),
  ])
}

/** What the aim is about. */
export function roundTripTable({ times }: RoundTrips): string {
  const { settled, fetched, fetchedPastWorker } = times
  return table([
    ['round trip, online, beyond plain fetch()', 'median ms [quartiles]', 'aim', ''],
    overLine('mutate() to settled − fetch()', settled, fetchedPastWorker, MOST_MS),
    overLine('mutate() to settled − fetch() through the worker', settled, fetched),
  ])
}

export function roundTripTimes({ times, delivered }: RoundTrips): string {
  const { stored, settled, fetched, fetchedPastWorker } = times
  const rows = table([
    ['round trip, online', 'median ms', 'p95 ms', 'writes'],
    timesLine('mutate() to settled', settled),
    timesLine('  of which until it is on the disk', stored),
    timesLine('fetch(), in a tab past the worker', fetchedPastWorker),
    timesLine('fetch(), through the worker', fetched),
  ])
  return `${rows}\n${delivered}`
}

function timesLine(label: string, times: number[]): string[] {
  return [label, median(times).toFixed(2), percentile(times, 0.95).toFixed(2), String(times.length)]
}

function overLine(label: string, ours: number[], theirs: number[], most?: number): string[] {
  const over = ours.map((ms, index) => ms - (theirs[index] ?? Number.NaN))
  const middle = median(over)
  const quartiles = `[${percentile(over, 0.25).toFixed(1)} – ${percentile(over, 0.75).toFixed(1)}]`
  const aim = most === undefined ? ['', ''] : [`≤ ${most}`, middle <= most ? 'met' : 'MISSED']
  return [label, `${middle.toFixed(1)} ${quartiles}`, ...aim]
}
