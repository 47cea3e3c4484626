import { everythingStored } from './support/everything-stored.ts'
import { expect, pageWith, test } from './support/small-app.ts'

test.use({ handlers: 'session-handlers.ts' })

test('the worker signs what it sends with no tab open, and asks for a new token when the old one has expired', async ({
  page,
  context,
  network,
  worker,
  app,
}) => {
  const tokens = { valid: 'secret-1', next: 'secret-2' }
  app.answer(({ url, headers }, response) => {
    if (url === '/session') return response.end(tokens.next)
    response.statusCode = headers.authorization === `Bearer ${tokens.valid}` ? 200 : 401
    response.end()
  })
  await page.goto(pageWith({ auth: 'session' }))
  await worker.ready(page)
  await page.evaluate(async () => (await caches.open('session')).put('/token', new Response('secret-1')))
  await writeOffline('Low tide at noon')
  expect(app.arrivals.map(({ url, headers }) => [url, headers.authorization])).toEqual([['/notes', 'Bearer secret-1']])

  tokens.valid = 'secret-2'
  page = await context.newPage()
  await page.goto(pageWith({ auth: 'session' }))
  await writeOffline('Two seals on the rocks', 4)
  const [, before, session, after] = app.arrivals
  expect([before, session, after].map(arrival => [arrival?.url, arrival?.headers.authorization])).toEqual([
    ['/notes', 'Bearer secret-1'],
    ['/session', undefined],
    ['/notes', 'Bearer secret-2'],
  ])
  expect(after?.headers['idempotency-key']).toBe(before?.headers['idempotency-key'])
  expect(after?.body).toEqual(before?.body)

  page = await context.newPage()
  await page.goto(pageWith({ auth: 'session' }))
  await expect.poll(() => page.evaluate(() => window.hf.outbox.count())).toBe(0)
  expect(await everythingStored(page)).not.toContain('secret')

  async function writeOffline(text: string, arrivals = 1): Promise<void> {
    await network.offline()
    await page.evaluate(text => window.hf.mutate({ url: '/notes', json: { text } }), text)
    const stored = await everythingStored(page)
    expect(stored).toContain(text)
    expect(stored).not.toContain('secret')
    await page.close()
    expect(context.pages()).toEqual([])
    await network.online()
    await expect.poll(() => app.arrivals.length, { timeout: 20_000 }).toBe(arrivals)
  }
})
