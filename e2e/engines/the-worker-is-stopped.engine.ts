import { setTimeout as sleep } from 'node:timers/promises'
import { ELSEWHERE, ok } from './app-server.ts'
import { expect, openApp, test } from './fixtures.ts'
import { workerOf } from './worker-of.ts'
import { done, numbers, upTo, waiting, write } from './writes.ts'

/** A worker that runs shows it every 0.2 s. */
const SILENCE_MS = 1_500

/** Firefox ends a worker that has nothing to do; WebKit only one whose pages have all gone, at once or ten seconds later. */
test('a worker that the browser has ended is woken by the next write', async ({ start, network, server }) => {
  const browser = await start({ workerIdleMs: 1_000 })
  const tab = await openApp(browser, network)
  const first = await workerOf(tab)
  const since = Date.now()
  await tab.goto(`http://127.0.0.1:${server.port}${ELSEWHERE}`)
  await expect.poll(() => Date.now() - server.lastBeat()).toBeGreaterThan(SILENCE_MS)

  console.log(
    `the browser ended the worker ${((server.lastBeat() - since) / 1000).toFixed(1)} s after its last page had gone`,
  )

  await tab.back()
  await expect.poll(() => tab.evaluate(() => typeof window.hf?.mutate)).toBe('function')
  await write(tab, numbers(1))
  await expect.poll(() => server.arrivals.map(({ json }) => json)).toEqual([1])
  expect(await workerOf(tab)).not.toBe(first)
  console.log(`shown from the back-forward cache: ${await tab.evaluate(() => window.shows.at(-1))}`)
})

test('a worker whose process crashes in the middle of a drain loses nothing', async ({ start, network, server }) => {
  server.answer(async (arrival, response) => {
    await sleep(200)
    ok(arrival, response)
  })
  const browser = await start()
  const beginner = await openApp(browser, network)
  const first = await workerOf(beginner)
  const tab = await openApp(browser, network)
  // In WebKit the worker runs in the process of the tab that came first, which must not be the one that is looked at.
  await beginner.close()
  await write(tab, numbers(20))
  await expect.poll(() => server.arrivals.length).toBeGreaterThan(5)
  await browser.crashWorker()
  const since = Date.now()

  await expect.poll(() => waiting(tab)).toBe(0)
  console.log(`all were done ${((Date.now() - since) / 1000).toFixed(1)} s after the crash`)
  expect(done(server.arrivals)).toHaveLength(20)
  expect([...done(server.arrivals)].sort((a, b) => Number(a) - Number(b))).toEqual(upTo(20))
  expect(await workerOf(tab)).not.toBe(first)
})
