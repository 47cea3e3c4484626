import { countRecords, fillDevice, roomOf } from './support/full-device.ts'
import { expect, test } from './support/small-app.ts'

test('a write beyond the quota is refused whole, what was written before stays, and with more room writes go on', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  const room = await roomOf(page, app.url)
  await room.limit(2_000_000)
  await page.goto('/')
  await worker.ready(page)
  await page.evaluate(() => window.hf.pause())
  const { taken, refusals } = await fillDevice(page)

  expect(refusals).toEqual(Array(4).fill({ name: 'HoldfastError', code: 'quota-exceeded' }))
  const urls = Object.keys(taken)
  expect(urls.length).toBeGreaterThan(10)
  expect((await outbox.list()).map(({ url }) => new URL(url).pathname)).toEqual(urls)
  expect(await countRecords(page, 'blobs')).toBe(urls.filter(url => url.startsWith('/100000/')).length)
  await expect.poll(() => page.evaluate(() => window.hf.status.get().pending)).toBe(urls.length)

  await room.lift()
  await page.evaluate(async () => {
    await window.hf.mutate({ url: '/after', json: 1 })
    await window.hf.resume()
  })
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  const arrived = Object.fromEntries(app.arrivals.map(({ url, body }) => [url, body.length]))
  expect(arrived).toEqual({ ...taken, '/after': 1 })
  expect(app.arrivals).toHaveLength(urls.length + 1)
})
