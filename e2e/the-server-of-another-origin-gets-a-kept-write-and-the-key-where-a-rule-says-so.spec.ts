import { expect, open, send, test } from './support/capture-app.ts'
import { allowing } from './support/cors.ts'

test.use({
  plugin: {
    queue: [
      { match: /^http:\/\/localhost:\d+\/keyed\//, sendKey: true },
      { match: /^http:\/\/localhost:\d+\/plain\// },
      '/api/**',
    ],
  },
})

test('the server of another origin gets what was kept, and the key only where a rule says that its CORS rules allow it', async ({
  page,
  worker,
  network,
  app,
  foreign,
  outbox,
}) => {
  foreign.answer(allowing(['Idempotency-Key'], (_arrival, response) => response.end('fine')))
  await open(page, worker)
  await network.offline()
  const heard = [
    await send(page, `${foreign.url}keyed/notes`, { body: 'Low tide at noon' }),
    await send(page, `${foreign.url}plain/notes`, { body: 'Low tide at noon' }),
    await send(page, '/api/notes'),
  ]
  expect(heard.map(one => one?.status)).toEqual([202, 202, 202])
  // An answer that nobody can read says nothing of how the write ended.
  expect(await send(page, `${foreign.url}plain/notes`, { mode: 'no-cors', body: 'opaque' })).toBeUndefined()
  expect(await outbox.count()).toBe(3)

  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  const keysOf = (url: string) =>
    foreign.arrivals
      .filter(arrival => arrival.url === url && arrival.method === 'POST')
      .map(({ headers }) => headers['idempotency-key'])
  expect(keysOf('/plain/notes')).toEqual([undefined])
  expect(keysOf('/keyed/notes')).toEqual([`"${heard[0]?.receipt}"`])
  const preflights = foreign.arrivals.filter(({ method }) => method === 'OPTIONS')
  expect(new Set(preflights.map(({ url }) => url))).toEqual(new Set(['/keyed/notes']))
  expect(preflights[0]?.headers['access-control-request-headers']).toBe('idempotency-key')
  expect(app.arrivals.map(({ headers }) => headers['idempotency-key'])).toEqual([`"${heard[2]?.receipt}"`])
})

test('a server of another origin that answers is heard, as without a worker', async ({
  page,
  worker,
  foreign,
  outbox,
}) => {
  foreign.answer(allowing([], ({ url }, response) => response.writeHead(url.endsWith('/no') ? 422 : 201).end('said')))
  await open(page, worker)
  expect(await send(page, `${foreign.url}plain/notes`)).toMatchObject({ status: 201, body: 'said' })
  expect(await send(page, `${foreign.url}plain/no`)).toMatchObject({ status: 422, body: 'said' })
  expect(foreign.arrivals.map(({ method }) => method)).toEqual(['POST', 'POST'])
  expect(await outbox.count()).toBe(0)
})
