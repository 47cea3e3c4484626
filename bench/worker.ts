/**
 * What the worker costs: a request that it answers by each strategy, its start, its size, and the build.
 *
 * - Requests: in one headless Chromium, one page for each contender, each with its worker and its scope, on one origin. In
 *   each round every contender answers so many requests of one strategy, one after the other, in an order that turns around.
 * - Starts: the workers are stopped, and the first request that starts one again is timed.
 * - Builds: `vite build` of one app of a hundred modules as a process of its own, with each plugin, in turns.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright'
import { type BenchSite, describeMachine, withSite } from './browser.ts'
import { median, type Ratio, ratioOf } from './statistics.ts'
import { table } from './table.ts'
import { buildTimes } from './worker-builds.ts'
import { buildWorkers, CONTENDERS, type Contender, STRATEGIES } from './worker-contenders.ts'

declare global {
  interface Window {
    measure(url: string, times: number): Promise<number>
    register(): Promise<void>
  }
}

const ROUNDS = 25
const REQUESTS = 40
const STARTS = 15

/** Measures, and gives the report to print. */
export async function measureWorker(): Promise<string> {
  // Playwright would have each request of the worker reported, at about the price of the request.
  process.env.PLAYWRIGHT_DISABLE_SERVICE_WORKER_NETWORK = '1'
  const work = await mkdtemp(join(tmpdir(), 'holdfast-bench-worker-'))
  const site = join(work, 'site')
  try {
    await buildWorkers(site)
    await writeData(site)
    const measured = await withSite(site, join(work, 'profile'), measureInBrowser)
    return [...measured, '', await sizes(site), '', await buildTimes(work)].join('\n')
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** One small answer for each strategy. */
async function writeData(site: string): Promise<void> {
  for (const strategy of STRATEGIES) {
    await mkdir(join(site, 'data', strategy), { recursive: true })
    await writeFile(join(site, 'data', strategy, 'notes.json'), JSON.stringify({ notes: '.'.repeat(1000) }))
  }
}

type Pages = [Contender, Page][]

async function measureInBrowser(opened: BenchSite): Promise<string[]> {
  const pages = await openPages(opened)
  const requests = await measureRequests(pages)
  const starts = await measureStarts(opened, pages)
  return [
    'worker: what a request, a start, the size and the build cost',
    describeMachine(opened),
    '',
    requestTable(requests),
    '',
    startTable(starts),
  ]
}

async function openPages({ context, origin }: BenchSite): Promise<Pages> {
  const pages: Pages = []
  for (const contender of CONTENDERS) {
    const page = await context.newPage()
    await page.goto(`${origin}/${contender}/index.html`)
    // Before there is a worker, which would answer it from nothing else.
    await page.evaluate(async name => {
      const cache = await caches.open(`${name}-cache-only`)
      await cache.add('/data/cache-only/notes.json')
    }, contender)
    await page.evaluate(() => window.register())
    pages.push([contender, page])
  }
  return pages
}

type Times = Record<Contender, number[]>

const noTimes = (): Times => ({ ours: [], workbox: [], minimal: [] })

async function measureRequests(pages: Pages): Promise<Map<string, Times>> {
  const found = new Map<string, Times>()
  for (const strategy of STRATEGIES) {
    const times = noTimes()
    // The first round warms up.
    for (let round = -1; round < ROUNDS; round++) {
      for (const [contender, page] of round % 2 ? pages : pages.toReversed()) {
        const address = `/data/${strategy}/notes.json`
        const time = await page.evaluate(([url, count]) => window.measure(url, count), [address, REQUESTS] as const)
        if (round >= 0) times[contender].push(time)
      }
    }
    found.set(strategy, times)
  }
  return found
}

async function measureStarts({ context }: BenchSite, pages: Pages): Promise<Times> {
  const times = noTimes()
  for (let round = 0; round < STARTS; round++) {
    for (const [contender, page] of round % 2 ? pages : pages.toReversed()) {
      const devtools = await context.newCDPSession(page)
      await devtools.send('ServiceWorker.enable')
      await devtools.send('ServiceWorker.stopAllWorkers')
      await devtools.detach()
      const time = await page.evaluate(() => window.measure('/data/cache-first/notes.json', 1))
      times[contender].push(time / 1000)
    }
  }
  return times
}

function requestTable(found: Map<string, Times>): string {
  const rows = [...found].map(([strategy, { ours, workbox, minimal }]) => [
    strategy,
    ...[ours, workbox, minimal].map(times => median(times).toFixed(0)),
    showRatio(ratioOf(ours, workbox)),
  ])
  return table([['µs per request', 'ours', 'bare Workbox', 'by hand', 'ours / Workbox (aim 1.1)'], ...rows])
}

function startTable({ ours, workbox, minimal }: Times): string {
  const row = [ours, workbox, minimal].map(times => median(times).toFixed(1))
  return table([
    ['ms for the request that starts it', 'ours', 'bare Workbox', 'by hand', 'ours / Workbox'],
    ['a stopped worker', ...row, showRatio(ratioOf(ours, workbox))],
  ])
}

async function sizes(site: string): Promise<string> {
  const bytes = await Promise.all(
    CONTENDERS.map(async contender => {
      const code = await readFile(join(site, contender, 'sw.js'))
      return `${(code.length / 1000).toFixed(1)} (${(gzipSync(code, { level: 9 }).length / 1000).toFixed(1)})`
    }),
  )
  return table([
    ['kB (gzip)', 'ours', 'bare Workbox', 'by hand'],
    ['the worker, a rule for each strategy', ...bytes],
  ])
}

function showRatio({ median: middle, low, high }: Ratio): string {
  return `${middle.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`
}
