import { expect, open, test } from './support/capture-app.ts'

test('what a page sends offline as it goes, by keepalive and by sendBeacon, is kept and arrives', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  await open(page, worker)
  const going = await page.context().newPage()
  await open(going, worker)
  await network.offline()
  await going.evaluate(() => {
    addEventListener('pagehide', () => {
      void fetch('/api/keepalive', { method: 'POST', keepalive: true, body: 'kept alive' })
      navigator.sendBeacon('/api/text', 'a beacon')
      navigator.sendBeacon('/api/blob', new Blob(['{"a":1}'], { type: 'application/json' }))
    })
  })
  await going.close({ runBeforeUnload: true })
  await expect.poll(() => outbox.count()).toBe(3)
  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  const seen = app.arrivals.map(({ url, headers, body }) => [url, headers['content-type'], body.toString()])
  expect(seen.sort()).toEqual([
    ['/api/blob', 'application/json', '{"a":1}'],
    ['/api/keepalive', 'text/plain;charset=UTF-8', 'kept alive'],
    ['/api/text', 'text/plain;charset=UTF-8', 'a beacon'],
  ])
})

test('a page that is closed in the middle of a write has sent it: what does not arrive is kept', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  await open(page, worker)
  const going = await page.context().newPage()
  await open(going, worker)
  app.answer((_arrival, response) => {
    if (app.arrivals.length > 1) response.end()
    else setTimeout(() => response.destroy(), 1_000)
  })
  await going.evaluate(() => void fetch('/api/notes', { method: 'POST', body: 'Two seals' }).catch(() => undefined))
  await expect.poll(() => app.arrivals.length).toBe(1)
  await going.close()
  await expect.poll(() => app.arrivals.length, { timeout: 30_000 }).toBe(2)
  await expect.poll(() => outbox.count()).toBe(0)
  expect(new Set(app.arrivals.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
})
