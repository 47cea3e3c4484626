import { expect, post, test, useWorker } from './support/workbox-app.ts'

test('what a BackgroundSyncPlugin of ours keeps while offline arrives in order when the network is back', async ({
  page,
  app,
  network,
  outbox,
}) => {
  await page.goto('/')
  await useWorker(page, 'ours')
  expect(await post(page, 'online')).toBe(true)
  await network.offline()
  for (const text of ['1', '2', '3']) expect(await post(page, text)).toBe(false)
  expect((await outbox.list()).map(({ method, url }) => [method, new URL(url).pathname])).toEqual(
    Array.from({ length: 3 }, () => ['POST', '/api/notes']),
  )
  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect(app.arrivals.map(({ body }) => body.toString())).toEqual(['online', '1', '2', '3'])
  expect(await outbox.deadCount()).toBe(0)
})
