import type { Page } from '@playwright/test'
import { expect, test } from './support/small-app.ts'
import { openWorkerHeap } from './support/worker-heap.ts'

const COUNT = 10_000
const BODY_SIZE = 2_000
/** The bodies alone are 20 MB. A worker that has a dozen of them at hand holds 2 to 3 MB in all. */
const HELD_AT_MOST = 4_500_000

// Playwright would have each request of the worker reported, and kept in its memory.
test.beforeAll(() => {
  process.env.PLAYWRIGHT_DISABLE_SERVICE_WORKER_NETWORK = '1'
})
test.afterAll(() => {
  delete process.env.PLAYWRIGHT_DISABLE_SERVICE_WORKER_NETWORK
})

test('10,000 writes are drained by the worker with memory flat, and each arrives once', async ({
  page,
  browser,
  worker,
  app,
  outbox,
}) => {
  test.setTimeout(180_000)
  await page.goto('/')
  await worker.ready(page)
  await page.evaluate(() => window.hf.pause())
  await writeMany(page)
  expect(await outbox.count()).toBe(COUNT)

  await page.evaluate(() => window.hf.resume())
  await expect.poll(() => app.arrivals.length, { timeout: 60_000 }).toBeGreaterThan(0)
  const heap = await openWorkerHeap(browser, app.url)
  const held: number[] = []
  for (let part = 0.1; part < 1; part += 0.1) {
    await expect.poll(() => app.arrivals.length, { timeout: 60_000, intervals: [50] }).toBeGreaterThan(part * COUNT)
    held.push(await heap.held())
  }
  await expect.poll(() => outbox.count(), { timeout: 60_000 }).toBe(0)
  expect(Math.max(...held)).toBeLessThan(HELD_AT_MOST)
  expect(new Set(app.arrivals.map(({ url }) => url)).size).toBe(COUNT)
  expect(app.arrivals).toHaveLength(COUNT)
})

async function writeMany(page: Page): Promise<void> {
  await page.evaluate(
    async ({ count, size }) => {
      const write = (index: number) => window.hf.mutate({ url: `/${index}`, body: String(index).padEnd(size, '.') })
      for (let from = 0; from < count; from += 500) {
        await Promise.all(Array.from({ length: 500 }, (_, index) => write(from + index)))
      }
    },
    { count: COUNT, size: BODY_SIZE },
  )
}
