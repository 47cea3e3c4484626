/**
 * What it costs to record a write with `mutate()`, beside the same write on raw IndexedDB.
 *
 * Both run in one page of one headless Chromium, with a profile on the disk and the built service worker registered. The
 * browser is offline, which is when the outbox matters: nothing is delivered meanwhile, and the worker does to each write
 * what it does offline in an app (it is woken, tries, and puts the write off). That work is not taken out of our times.
 *
 * Raw is a database with one store and no index. It puts the record that the outbox stores, made before the clock starts,
 * and waits for `complete`. Both are `strict`: complete means flushed to the disk. What `mutate()` does beside that
 * (validation, the id, the order, the unique index, telling tabs and worker) is what the ratio shows.
 *
 * Rounds alternate, ours and raw, each on a fresh database, and the first of each is thrown away. A ratio is taken
 * between neighbours, then the median over the rounds, with the quartiles behind it: where they are far apart, the
 * machine was not quiet, and the figure says little. Times vary with the disk; ratios are what to compare.
 */
import type { Page } from 'playwright'
import { describeMachine, withPage } from './browser.ts'
import type { EnqueuePage } from './enqueue-page/page.ts'
import { median, percentile, type Ratio, ratioOf, sum } from './statistics.ts'
import { table } from './table.ts'

const EACH = { rounds: 10, count: 1_000 }
const TOGETHER = { rounds: 8, count: 1_000 }
const READ = { rounds: 20, count: 10_000 }

/** Measures, and gives the report to print. */
export function measureEnqueue(): Promise<string> {
  return withPage('enqueue-page', async opened => {
    await opened.context.setOffline(true)
    const one = await measureEach(opened.page)
    const many = await measureTogether(opened.page)
    const reads = await measureReads(opened.page)
    return [
      'enqueue: mutate() beside raw IndexedDB, offline, durability strict unless it says relaxed',
      describeMachine(opened),
      '',
      ratioTable(one, many, reads),
      '',
      timeTable(one, many, reads),
      '',
      HOW_TO_READ,
    ].join('\n')
  })
}

const HOW_TO_READ = [
  'A ratio is ours divided by raw, round by round: the median, and the quartiles in brackets. Below 1 is faster than raw.',
  `Rounds alternate on fresh databases: ${EACH.rounds} of ${EACH.count} one at a time, ${TOGETHER.rounds} of ${TOGETHER.count} at once, ${READ.rounds} readings of ${READ.count}.`,
  'p50 and p95 are of single calls one at a time, and of whole rounds or readings below that.',
].join('\n')

type Call = keyof EnqueuePage
type Samples<Name extends string> = Record<Name, number[][]>

interface Contestant {
  prepare: 'freshOutbox' | 'freshRaw'
  call: Call
  args: unknown[]
}

async function measureEach(page: Page) {
  const { rounds, count } = EACH
  return alternate(page, rounds, {
    ours: { prepare: 'freshOutbox', call: 'mutateEach', args: [count] },
    raw: { prepare: 'freshRaw', call: 'putEach', args: [count, 'strict'] },
    relaxed: { prepare: 'freshRaw', call: 'putEach', args: [count, 'relaxed'] },
  })
}

async function measureTogether(page: Page) {
  const { rounds, count } = TOGETHER
  return alternate(page, rounds, {
    ours: { prepare: 'freshOutbox', call: 'mutateTogether', args: [count] },
    raw: { prepare: 'freshRaw', call: 'putTogether', args: [count, 'strict'] },
    inOne: { prepare: 'freshRaw', call: 'putInOne', args: [count, 'strict'] },
    relaxed: { prepare: 'freshRaw', call: 'putTogether', args: [count, 'relaxed'] },
  })
}

async function measureReads(page: Page) {
  await call(page, 'freshOutbox', [])
  await call(page, 'mutateTogether', [READ.count - 1])
  return alternate(page, READ.rounds, {
    list: { call: 'list', args: [] },
    getAll: { call: 'getAll', args: [] },
    count: { call: 'count', args: [] },
    rawCount: { call: 'rawCount', args: [] },
  })
}

/** Runs every contestant once a round, in an order that turns around with each round. */
async function alternate<Name extends string>(
  page: Page,
  rounds: number,
  contestants: Record<Name, Omit<Contestant, 'prepare'> & Partial<Contestant>>,
): Promise<Samples<Name>> {
  const names = Object.keys(contestants) as Name[]
  const samples = Object.fromEntries(names.map(name => [name, []])) as unknown as Samples<Name>
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const { prepare, call: method, args } = contestants[name]
      if (prepare) await call(page, prepare, [])
      const times = await call(page, method, args)
      if (round > 0) samples[name].push([times].flat() as number[])
    }
  }
  return samples
}

function call(page: Page, method: Call, args: unknown[]): Promise<unknown> {
  return page.evaluate(([name, rest]) => (window.bench[name] as (...of: unknown[]) => Promise<unknown>)(...rest), [
    method,
    args,
  ] as const)
}

type Each = Awaited<ReturnType<typeof measureEach>>
type Together = Awaited<ReturnType<typeof measureTogether>>
type Reads = Awaited<ReturnType<typeof measureReads>>

function ratioTable(one: Each, many: Together, reads: Reads): string {
  const aim = (label: string, ours: number[][], theirs: number[][], most?: number) => {
    const ratio = ratioOf(ours.map(sum), theirs.map(sum))
    return [label, inBrackets(ratio), ...(most === undefined ? ['', ''] : [`≤ ${most}`, verdict(ratio, most)])]
  }
  return table([
    ['ratio', 'median [quartiles]', 'aim', ''],
    aim('mutate() one at a time / raw, one transaction each', one.ours, one.raw, 1.15),
    aim('1,000 mutate() at once / 1,000 raw transactions at once', many.ours, many.raw, 0.2),
    aim('  for comparison: 1,000 raw puts in one transaction', many.inOne, many.raw),
    aim('outbox.list() of 10,000 / one raw getAll()', reads.list, reads.getAll, 1.2),
    aim('outbox.count() of 10,000 / raw count()', reads.count, reads.rawCount),
    aim('outbox.count() of 10,000 / one raw getAll()', reads.count, reads.getAll),
  ])
}

function inBrackets({ median: middle, low, high }: Ratio): string {
  return `${middle.toFixed(3)} [${low.toFixed(3)} – ${high.toFixed(3)}]`
}

function verdict({ median: middle }: Ratio, most: number): string {
  return middle <= most ? 'met' : 'MISSED'
}

function timeTable(one: Each, many: Together, reads: Reads): string {
  return table([
    ['time', 'p50 ms', 'p95 ms', 'operations/s'],
    times('mutate() one at a time', one.ours),
    times('raw one at a time', one.raw),
    times('raw one at a time, relaxed', one.relaxed),
    times('1,000 mutate() at once', many.ours, TOGETHER.count),
    times('1,000 raw transactions at once', many.raw, TOGETHER.count),
    times('1,000 raw transactions at once, relaxed', many.relaxed, TOGETHER.count),
    times('1,000 raw puts in one transaction', many.inOne, TOGETHER.count),
    times('outbox.list() of 10,000', reads.list),
    times('raw getAll() of 10,000', reads.getAll),
    times('outbox.count() of 10,000', reads.count),
    times('raw count() of 10,000', reads.rawCount),
  ])
}

/** One line of the table; `per` operations lie in each sample. Operations per second: the median of the rounds. */
function times(label: string, rounds: number[][], per = 1): string[] {
  const samples = rounds.flat()
  const rates = rounds.map(round => (per * round.length * 1000) / sum(round))
  return [label, percentile(samples, 0.5).toFixed(2), percentile(samples, 0.95).toFixed(2), median(rates).toFixed(0)]
}
