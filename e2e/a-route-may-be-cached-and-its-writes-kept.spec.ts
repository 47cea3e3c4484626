import { expect, open, send, test, type Write } from './support/capture-app.ts'

test.use({
  plugin: {
    queue: ['/api/**'],
    caching: [{ match: '/api/**', strategy: 'network-first' }],
    precache: { exclude: ['api/**'] },
  },
  sources: { 'public/api/list.json': '["Low tide"]' },
})

test('on a route that is cached and whose writes are kept, reads are answered from the cache and writes are kept', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  await open(page, worker)
  const read = (init: Write) =>
    page.evaluate(async init => {
      const response = await fetch('/api/list.json', init).catch(() => undefined)
      return response && [response.status, await response.text()]
    }, init)
  expect(await read({})).toEqual([200, '["Low tide"]'])
  await network.offline()
  expect(await read({})).toEqual([200, '["Low tide"]'])
  // Neither reads what could be cached nor writes.
  expect(await read({ method: 'HEAD' })).toBeUndefined()
  expect(await read({ method: 'OPTIONS' })).toBeUndefined()
  expect(await send(page, '/api/list.json', { body: 'Two seals' })).toMatchObject({ status: 202 })
  expect(await read({})).toEqual([200, '["Low tide"]'])
  expect(await outbox.count()).toBe(1)

  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect(app.arrivals.map(({ method, body }) => `${method} ${body}`)).toEqual(['POST Two seals'])
})
