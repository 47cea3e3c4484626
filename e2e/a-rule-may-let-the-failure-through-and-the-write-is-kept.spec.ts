import { expect, open, send, test } from './support/capture-app.ts'

test.use({ plugin: { queue: [{ match: '/api/**', otherwise: 'fail' }] } })

test('a rule may let the failure through: the app hears what it would have heard, and the write is kept', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  app.answer((_arrival, response) => response.setHeader('Retry-After', '2').writeHead(503).end('busy'))
  await open(page, worker)
  expect(await send(page, '/api/a', { body: '1' })).toMatchObject({ status: 503, body: 'busy', receipt: undefined })
  await network.offline()
  expect(await send(page, '/api/b', { body: '2' })).toBeUndefined()
  // It is not even tried, since it would overtake the first.
  expect(await send(page, '/api/a', { body: '3' })).toBeUndefined()
  expect(await outbox.count()).toBe(3)

  app.answer((_arrival, response) => response.end())
  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect(app.arrivals.filter(({ url }) => url === '/api/a').map(({ body }) => body.toString())).toEqual(['1', '1', '3'])
  expect(app.arrivals.filter(({ url }) => url === '/api/b')).toHaveLength(1)
})
