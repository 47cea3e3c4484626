import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from '@playwright/test'
import type { SyncStatus } from 'holdfast'
import { expect, test } from './support/small-app.ts'

interface Seen {
  at: number
  status: SyncStatus
}

test('a drain shows how far it is while it runs, and what it took is on record afterwards and after a reload', async ({
  page,
  worker,
  app,
}) => {
  app.answer(async (_arrival, response) => {
    await sleep(30)
    response.end()
  })
  await page.goto('/')
  await worker.ready(page)
  await page.evaluate(() => window.hf.pause())
  await writeAndWatch(page, 100)
  await page.evaluate(() => window.hf.resume())
  const status = () => page.evaluate(() => window.hf.status.get())
  await expect.poll(async () => (await status()).pending, { timeout: 15_000 }).toBe(0)
  await expect.poll(async () => (await status()).progress).toBeUndefined()

  const seen = await page.evaluate(() => (window as unknown as { seen: Seen[] }).seen)
  expect(seen.some(({ status: { state, sending } }) => state === 'syncing' && sending > 1)).toBe(true)
  assertProgress(seen)

  const measure = () => page.evaluate(() => window.hf.metrics())
  const metrics = await measure()
  const { confirmed, dead, attempts, retries, successRate, attemptMs, queuedMs } = metrics
  expect([confirmed, dead, attempts - retries, successRate]).toEqual([100, 0, 100, 1])
  // Within 10 %, and a timer may ring a little early.
  expect(attemptMs?.p50).toBeGreaterThan(25)
  expect(attemptMs?.p95).toBeGreaterThanOrEqual(attemptMs?.p50 ?? Number.NaN)
  expect(queuedMs?.p95).toBeGreaterThan(queuedMs?.p50 ?? Number.NaN)
  await page.reload()
  expect(await measure()).toEqual(metrics)
})

function writeAndWatch(page: Page, count: number): Promise<void> {
  return page.evaluate(async count => {
    const seen: Seen[] = []
    const { hf } = window
    hf.status.subscribe(status => void seen.push({ at: Date.now(), status }))
    Object.assign(window, { seen })
    await Promise.all(Array.from({ length: count }, (_, number) => hf.mutate({ url: `/notes/${number}`, json: {} })))
  }, count)
}

function assertProgress(seen: Seen[]): void {
  const steps = seen.flatMap(({ at, status: { progress } }) =>
    progress && progress.done > 0 ? { at, ...progress } : [],
  )
  const done = steps.map(step => step.done)
  expect(new Set(done).size).toBeGreaterThan(10)
  expect(done).toEqual([...done].sort((a, b) => a - b))
  expect(new Set(steps.map(({ total }) => total))).toEqual(new Set([100]))
  expect(steps.at(-1)).toMatchObject({ done: 100, remainingMs: 0 })
  const half = steps.find(step => step.done >= 50)
  const left = (steps.at(-1)?.at ?? 0) - (half?.at ?? 0)
  expect(half?.remainingMs).toBeGreaterThan(left / 3)
  expect(half?.remainingMs).toBeLessThan(left * 3)
  expect(half?.perSecond).toBeGreaterThan(0)
}
