import type { Page } from '@playwright/test'
import { expect, pageWith, test } from './support/batch-server.ts'

const BATCHES = { pace: { endpoint: '/api/batch', batchSize: 50 } }

test('200 writes made offline go in few batches, each is done once, and the server gets gzip once it has asked for it', async ({
  page,
  network,
  worker,
  app,
  server,
}) => {
  await page.goto(pageWith(BATCHES))
  await worker.ready(page)
  await network.offline()
  const numbers = Array.from({ length: 200 }, (_, number) => number)
  await add(page, numbers)
  await network.online()
  expect(await ends(page)).toEqual(Array(200).fill('confirmed 201'))

  expect((await server.numbers()).sort((a, b) => a - b)).toEqual(numbers)
  const batches = app.arrivals.filter(({ url }) => url === '/api/batch')
  expect(batches.length).toBeLessThanOrEqual(20)
  // Only what asked in vain whether there is a network is due alone, each at its own time.
  expect(app.arrivals.length - batches.length).toBeLessThanOrEqual(12)
  const codings = batches.map(({ headers }) => headers['content-encoding'])
  expect(codings[0]).toBeUndefined()
  expect(codings).toContain('gzip')
})

test('a refused member of a batch becomes a dead letter, and harms no other', async ({ page, worker, app, server }) => {
  await page.goto(pageWith(BATCHES))
  await worker.ready(page)
  await page.evaluate(() => window.hf.pause())
  const numbers = [1, 2, 3, -4, 5, 6]
  await add(page, numbers)
  await page.evaluate(() => window.hf.resume())
  expect(await ends(page)).toEqual(numbers.map(number => (number < 0 ? 'dead 422' : 'confirmed 201')))

  expect((await server.numbers()).sort()).toEqual([1, 2, 3, 5, 6])
  expect(app.arrivals.map(({ url }) => url)).toEqual(['/api/batch'])
  const letters = await page.evaluate(() => window.hf.deadLetters.list())
  expect(letters).toMatchObject([
    { reason: 'refused', status: 422, json: { number: -4 }, problem: { title: 'Too small' } },
  ])
})

/** Keeps the receipts in the page. */
function add(page: Page, numbers: number[]): Promise<void> {
  return page.evaluate(async numbers => {
    const writes = numbers.map(number => window.hf.mutate({ url: '/api/numbers', json: { number } }))
    const receipts = await Promise.all(writes)
    Object.assign(window, { settled: Promise.all(receipts.map(({ settled }) => settled)) })
  }, numbers)
}

function ends(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const { settled } = window as unknown as { settled: Promise<{ kind: string; status: number }[]> }
    return (await settled).map(({ kind, status }) => `${kind} ${status}`)
  })
}
