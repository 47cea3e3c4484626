import { expect, open, send, test } from './support/capture-app.ts'

test.use({ plugin: { queue: [{ match: '/api/**', limits: { mutations: 2 }, retry: { attempts: 2, baseMs: 10 } }] } })

test('beyond the limits of its rule nothing is kept, and the app hears the failure; what is kept is tried as often as the rule says', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  await open(page, worker)
  await network.offline()
  const heard = [await send(page, '/api/1'), await send(page, '/api/2'), await send(page, '/api/3')]
  expect(heard.map(one => one?.status)).toEqual([202, 202, undefined])
  expect(await outbox.count()).toBe(2)

  app.answer((_arrival, response) => response.writeHead(500).end())
  await network.online()
  await expect.poll(() => outbox.deadCount(), { timeout: 60_000 }).toBe(2)
  expect(app.arrivals.map(({ url }) => url).sort()).toEqual(['/api/1', '/api/1', '/api/2', '/api/2'])
  expect(await outbox.count()).toBe(0)
})
