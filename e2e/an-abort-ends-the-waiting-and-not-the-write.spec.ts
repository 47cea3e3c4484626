import { expect, open, send, test } from './support/capture-app.ts'

test.use({ plugin: { queue: [{ match: '/api/**', timeoutMs: 1_000 }] } })

test('an abort ends the waiting and not the write, since no browser tells its worker of it: it arrives once', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  app.answer((_arrival, response) => {
    if (app.arrivals.length > 1) response.end()
  })
  await open(page, worker)
  const heard = await page.evaluate(() => {
    const app = new AbortController()
    setTimeout(() => app.abort(), 200)
    return fetch('/api/notes', { method: 'POST', body: 'Two seals', signal: app.signal }).catch(({ name }) => name)
  })
  expect(heard).toBe('AbortError')
  await expect.poll(() => app.arrivals.length, { timeout: 30_000 }).toBe(2)
  await expect.poll(() => outbox.count()).toBe(0)
  expect(new Set(app.arrivals.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
})

test('what was aborted before it was sent never comes to be', async ({ page, worker, app, outbox }) => {
  await open(page, worker)
  const heard = await page.evaluate(() =>
    fetch('/api/notes', { method: 'POST', signal: AbortSignal.abort() }).catch(({ name }) => name),
  )
  expect(heard).toBe('AbortError')
  expect(await send(page, '/api/other')).toMatchObject({ status: 200 })
  expect(app.arrivals.map(({ url }) => url)).toEqual(['/api/other'])
  expect(await outbox.count()).toBe(0)
})
