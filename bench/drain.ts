/**
 * How long it takes to deliver 2,000 queued writes, beside others who deliver queued writes.
 *
 * Every contender runs in the same service worker of one headless Chromium, on a profile on the disk, and posts the same
 * JSON with the same headers to the same server, which is a process of its own and answers at once, or after 20 ms. (Workbox
 * works in a worker only. TanStack's executor is made for pages; it runs in a worker unchanged, and is spared the way
 * through the worker's fetch handler there.) The queue is filled before the clock starts. The clock ends when the last
 * write is answered and removed, and the server's ledger tells whether each of them came, and came once.
 *
 * - By hand: raw IndexedDB, read at once, six requests in flight, one transaction to delete each record.
 * - Ours: written in an earlier visit; this page opens, and the worker delivers what waits while the page shows its status.
 * - Workbox: `Queue.replayRequests()`, which is one request at a time.
 * - TanStack: an executor with its IndexedDB storage, one request at a time, its queue in memory before the clock starts.
 *
 * Rounds take turns in an order that turns around with each round; a first short one of each is thrown away. Ratios are
 * taken within a round, then the median over the rounds. Those who send one at a time need about a minute with 20 ms, and
 * get one round.
 */
import type { Page } from 'playwright'
import { type BenchPage, describeMachine, withPage } from './browser.ts'
import { BATCH_SIZE } from './drain-page/batch-size.ts'
import type { ContenderName } from './drain-page/page.ts'
import { type Ledger, readLedger } from './server.ts'
import { median, type Ratio, ratioOf } from './statistics.ts'
import { table } from './table.ts'

const COUNT = 2_000
const WARM_UP = 200
const DELAYS = [0, 20] as const
type Delay = (typeof DELAYS)[number]

const CONTENDERS: Record<ContenderName, { label: string; rounds: Record<Delay, number> }> = {
  byHand: { label: 'by hand, 6 in flight', rounds: { 0: 3, 20: 3 } },
  ours: { label: 'ours', rounds: { 0: 3, 20: 3 } },
  byHandInBatches: { label: `by hand, batches of ${BATCH_SIZE}, 6 in flight`, rounds: { 0: 3, 20: 3 } },
  oursInBatches: { label: `ours, batch endpoint, batches of ${BATCH_SIZE}`, rounds: { 0: 3, 20: 3 } },
  workbox: { label: 'Workbox', rounds: { 0: 1, 20: 1 } },
  tanstack: { label: 'TanStack', rounds: { 0: 1, 20: 1 } },
}
const NAMES = Object.keys(CONTENDERS) as ContenderName[]

/** Measures, and gives the report to print. */
export function measureDrain(): Promise<string> {
  // Playwright would have each request of the worker reported, at about the price of the request.
  process.env.PLAYWRIGHT_DISABLE_SERVICE_WORKER_NETWORK = '1'
  return withPage('drain-page', measure, { worker: 'sw.ts' })
}

async function measure(opened: BenchPage): Promise<string> {
  const { page, origin } = opened
  const there = await availableIn(page)
  for (const name of there) await runOne(page, origin, { name, count: WARM_UP, delay: 0, run: `warm-up-${name}` })
  const results = new Map<Delay, Rounds>()
  for (const delay of DELAYS) results.set(delay, await measureRounds(page, origin, there, delay))
  return [
    `drain: ${COUNT.toLocaleString('en')} queued POSTs, delivered to a server that answers after 0 ms and after 20 ms`,
    describeMachine(opened),
    '',
    ratioTable(results),
    '',
    timeTable(results),
    '',
    HOW_TO_READ,
  ].join('\n')
}

const HOW_TO_READ = [
  'A ratio is taken round by round: the median, and the quartiles in brackets. All run in one service worker.',
  'Requests: HTTP requests in a round. Delivered: what the server says of all rounds.',
].join('\n')

interface Round {
  ms: number
  ledger: Ledger
}
type Rounds = Map<ContenderName, Round[]>

async function availableIn(page: Page): Promise<ContenderName[]> {
  const there = await page.evaluate(names => names.map(name => window.drainBench.isAvailable(name)), NAMES)
  return NAMES.filter((_, index) => there[index])
}

async function measureRounds(page: Page, origin: string, names: ContenderName[], delay: Delay): Promise<Rounds> {
  const rounds: Rounds = new Map()
  const most = Math.max(...names.map(name => CONTENDERS[name].rounds[delay]))
  for (let round = 0; round < most; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      if (round >= CONTENDERS[name].rounds[delay]) continue
      const result = await runOne(page, origin, { name, count: COUNT, delay, run: `${name}-${delay}-${round}` })
      rounds.set(name, [...(rounds.get(name) ?? []), result])
    }
  }
  return rounds
}

interface Task {
  name: ContenderName
  count: number
  delay: Delay
  run: string
}

async function runOne(page: Page, origin: string, { name, count, delay, run }: Task): Promise<Round> {
  const url = `/api/notes?run=${run}&delay=${delay}`
  await page.evaluate(([who, many, where]) => window.drainBench.fill(who, many, where), [name, count, url] as const)
  const early = await readLedger(origin, run)
  if (early.writes > 0) throw new Error(`${name} sent ${early.writes} writes before the clock started.`)
  const ms = await page.evaluate(who => window.drainBench.drain(who), name)
  return { ms, ledger: await readLedger(origin, run) }
}

interface Comparison {
  label: string
  of: ContenderName
  by: ContenderName
  aims?: Partial<Record<Delay, { most: number } | { least: number }>>
}

const COMPARISONS: Comparison[] = [
  { label: 'ours / by hand', of: 'ours', by: 'byHand', aims: { 0: { most: 1.1 }, 20: { most: 1.1 } } },
  { label: 'Workbox / ours', of: 'workbox', by: 'ours', aims: { 20: { least: 5 } } },
  { label: 'TanStack / ours', of: 'tanstack', by: 'ours' },
  { label: 'ours, batch endpoint / by hand', of: 'oursInBatches', by: 'byHand', aims: { 20: { most: 0.15 } } },
  { label: '  for comparison: batches by hand / by hand', of: 'byHandInBatches', by: 'byHand' },
]

function ratioTable(results: Map<Delay, Rounds>): string {
  const lines = COMPARISONS.flatMap(({ label, of, by, aims = {} }) =>
    DELAYS.map(delay => {
      const [ours, theirs] = [results.get(delay)?.get(of), results.get(delay)?.get(by)]
      const where = [label, `${delay} ms`]
      if (!ours || !theirs) return [...where, 'not available', '', '']
      const ratio = ratioOf(times(ours), times(theirs))
      const aim = aims[delay]
      return [...where, inBrackets(ratio), aim ? wordsOf(aim) : '', aim ? verdict(ratio, aim) : '']
    }),
  )
  return table([['ratio', 'server', 'median [quartiles]', 'aim', ''], ...lines])
}

function times(rounds: Round[]): number[] {
  return rounds.map(({ ms }) => ms)
}

function inBrackets({ median: middle, low, high }: Ratio): string {
  return `${middle.toFixed(3)} [${low.toFixed(3)} – ${high.toFixed(3)}]`
}

function wordsOf(aim: { most: number } | { least: number }): string {
  return 'most' in aim ? `≤ ${aim.most}` : `≥ ${aim.least}`
}

function verdict({ median: middle }: Ratio, aim: { most: number } | { least: number }): string {
  const isMet = 'most' in aim ? middle <= aim.most : middle >= aim.least
  return isMet ? 'met' : 'MISSED'
}

function timeTable(results: Map<Delay, Rounds>): string {
  const lines = DELAYS.flatMap(delay => NAMES.map(name => timeLine(name, delay, results.get(delay)?.get(name))))
  return table([['time', 'server', 'median ms', 'writes/s', 'requests', 'rounds', 'delivered'], ...lines])
}

function timeLine(name: ContenderName, delay: Delay, rounds: Round[] | undefined): string[] {
  const where = [CONTENDERS[name].label, `${delay} ms`]
  if (!rounds) return [...where, 'not available', '', '', '', '']
  const middle = median(times(rounds))
  const requests = median(rounds.map(({ ledger }) => ledger.requests))
  const figures = [middle.toFixed(0), ((COUNT * 1000) / middle).toFixed(0), requests.toFixed(0), String(rounds.length)]
  return [...where, ...figures, deliveredBy(rounds)]
}

function deliveredBy(rounds: Round[]): string {
  const wrong = rounds.filter(({ ledger }) => ledger.writes !== COUNT || ledger.distinct !== COUNT)
  if (wrong.length === 0) return 'all, once'
  return `WRONG: ${wrong.map(({ ledger }) => `${ledger.distinct} of ${COUNT} in ${ledger.writes}`).join(', ')}`
}
