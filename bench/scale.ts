/**
 * What it costs to record a write, to deliver the next one, and to say how things stand, with 0, 10,000 and 100,000
 * writes waiting.
 *
 * One page of one headless Chromium has three outboxes, each with a database of its own on the disk, and delivers by itself.
 * They are filled through `mutate()` and opened again, as in a later visit. All but the deliveries is measured while the
 * queue is paused and the browser offline; deliveries go to a server in a process of its own, which answers at once.
 * Each round measures all three, in an order that turns around with each round, and a first one is thrown away. The outbox
 * with 0 waiting is made anew in each round, since measuring fills it.
 */
import type { Page } from 'playwright'
import { type BenchPage, describeMachine, withPage } from './browser.ts'
import type { ScalePage } from './scale-page/page.ts'
import { median, type Ratio, ratioOf, sum } from './statistics.ts'
import { table } from './table.ts'

const SIZES = [0, 10_000, 100_000] as const
type Size = (typeof SIZES)[number]
const ROUNDS = 5
const MOST = 1.3
const MUTATED = 100
const SHOWN = 7
const DELIVERED = 60

type Cost = 'mutate' | 'deliver' | 'status' | 'count'
const COSTS: Record<Cost, string> = {
  mutate: 'mutate(), one at a time',
  deliver: `the next one: claim, send, settle (of ${DELIVERED})`,
  status: 'status, from a change until it shows',
  count: 'outbox.count()',
}
const NAMES = Object.keys(COSTS) as Cost[]

/** Measures, and gives the report to print. */
export function measureScale(): Promise<string> {
  return withPage('scale-page', async opened => {
    const filled = await fillAll(opened.page)
    const rounds = await measureRounds(opened)
    return [
      'scale: the cost of one write with 0, 10,000 and 100,000 waiting',
      describeMachine(opened),
      '',
      ratioTable(rounds),
      '',
      timeTable(rounds),
      '',
      `A ratio is to 0 waiting, round by round: the median of ${ROUNDS} rounds, and the quartiles in brackets.`,
      `Filling took ${filled.map(({ size, ms }) => `${(ms / 1000).toFixed(1)} s for ${wordsOf(size)}`).join(', ')}.`,
    ].join('\n')
  })
}

async function fillAll(page: Page): Promise<{ size: Size; ms: number }[]> {
  const filled: { size: Size; ms: number }[] = []
  for (const size of SIZES) {
    const ms = await call(page, 'fill', size)
    if (size > 0) filled.push({ size, ms: Number(ms) })
  }
  return filled
}

/** The cost of one, in milliseconds, for each round. */
type Rounds = Record<Size, Record<Cost, number[]>>

async function measureRounds({ page, context }: BenchPage): Promise<Rounds> {
  const empty = () => Object.fromEntries(NAMES.map(name => [name, []])) as unknown as Record<Cost, number[]>
  const rounds: Rounds = { 0: empty(), 10000: empty(), 100000: empty() }
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const size of round % 2 === 0 ? SIZES : SIZES.toReversed()) {
      if (size === 0) await call(page, 'fill', 0)
      await context.setOffline(true)
      const mutate = median(await call(page, 'mutate', size, MUTATED))
      const count = median(await call(page, 'count', size, SHOWN))
      const status = median(await call(page, 'status', size, SHOWN))
      await context.setOffline(false)
      const deliver = sum(await call(page, 'deliver', size, DELIVERED, '/api/notes?run=scale')) / DELIVERED
      if (round === 0) continue
      for (const [name, ms] of Object.entries({ mutate, count, status, deliver })) rounds[size][name as Cost].push(ms)
    }
  }
  return rounds
}

async function call<Name extends keyof ScalePage>(
  page: Page,
  method: Name,
  ...args: Parameters<ScalePage[Name]>
): Promise<number[]> {
  const result = await page.evaluate(
    ([name, rest]) => (window.scaleBench[name] as (...of: unknown[]) => Promise<number | number[]>)(...rest),
    [method, args] as const,
  )
  return [result].flat()
}

function ratioTable(rounds: Rounds): string {
  const lines = NAMES.flatMap(name =>
    SIZES.slice(1).map(size => {
      const ratio = ratioOf(rounds[size][name], rounds[0][name])
      const aim = name === 'count' ? ['', ''] : [`≤ ${MOST}`, ratio.median <= MOST ? 'met' : 'MISSED']
      return [COSTS[name], wordsOf(size), inBrackets(ratio), ...aim]
    }),
  )
  return table([['ratio to 0 waiting', 'waiting', 'median [quartiles]', 'aim', ''], ...lines])
}

function inBrackets({ median: middle, low, high }: Ratio): string {
  return `${middle.toFixed(3)} [${low.toFixed(3)} – ${high.toFixed(3)}]`
}

function timeTable(rounds: Rounds): string {
  const lines = NAMES.map(name => [COSTS[name], ...SIZES.map(size => median(rounds[size][name]).toFixed(2))])
  return table([['time, ms', ...SIZES.map(size => `${wordsOf(size)} waiting`)], ...lines])
}

function wordsOf(size: Size): string {
  return size.toLocaleString('en')
}
