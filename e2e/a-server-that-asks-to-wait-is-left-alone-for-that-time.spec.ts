import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from '@playwright/test'
import { allowing } from './support/cors.ts'
import { type Answer, expect, pageWith, test } from './support/small-app.ts'

test('a server that asks to wait is left alone for that time, while another one gets its writes; then it gets ever more at once', async ({
  page,
  network,
  worker,
  app,
  foreign,
}) => {
  const slow = slowServer()
  let refusedAt = 0
  app.answer((arrival, response) => {
    if (app.arrivals.length > 1) return slow.answer(arrival, response)
    refusedAt = Date.now()
    response.setHeader('Retry-After', '3').writeHead(429).end()
  })
  const other = slowServer()
  foreign.answer(allowing(['Content-Type', 'Idempotency-Key'], other.answer))
  await page.goto(pageWith({ idempotency: { origins: [new URL(foreign.url).origin] } }))
  await worker.ready(page)
  await network.offline()
  await write(page, app.url, 30)
  await write(page, foreign.url, 30)
  await network.online()

  await expect.poll(() => page.evaluate(() => window.hf.outbox.count()), { timeout: 20_000 }).toBe(0)
  const [goneOnAt = 0] = slow.times
  expect(goneOnAt - refusedAt).toBeGreaterThanOrEqual(3000)
  expect(other.times.filter(time => time < goneOnAt)).toHaveLength(30)
  // The one that was refused, once more; and each under one key.
  expect(app.arrivals).toHaveLength(31)
  expect(new Set(app.arrivals.map(({ headers }) => headers['idempotency-key'])).size).toBe(30)
  expect(slow.mostAtOnce()).toBeGreaterThanOrEqual(3)
  expect(slow.mostAtOnce()).toBeLessThanOrEqual(6)
})

test('no more writes are under way at once than pace.concurrency allows', async ({ page, worker, app }) => {
  const slow = slowServer()
  app.answer(slow.answer)
  await page.goto(pageWith({ pace: { concurrency: { max: 3 } } }))
  await worker.ready(page)
  await write(page, app.url, 40)
  await expect.poll(() => page.evaluate(() => window.hf.outbox.count()), { timeout: 15_000 }).toBe(0)
  expect(slow.mostAtOnce()).toBe(3)
})

/** Takes 40 ms for each write. */
function slowServer(): { answer: Answer; times: number[]; mostAtOnce(): number } {
  let [underWay, most] = [0, 0]
  const times: number[] = []
  return {
    times,
    mostAtOnce: () => most,
    async answer(_arrival, response) {
      times.push(Date.now())
      underWay += 1
      most = Math.max(most, underWay)
      await sleep(40)
      underWay -= 1
      response.end()
    },
  }
}

function write(page: Page, base: string, count: number): Promise<void> {
  return page.evaluate(
    async ({ base, count }) => {
      const urls = Array.from({ length: count }, (_, number) => `${base}notes/${number}`)
      await Promise.all(urls.map(url => window.hf.mutate({ url, json: {} })))
    },
    { base, count },
  )
}
