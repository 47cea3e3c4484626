import { expect, test } from './support/small-app.ts'

test('a page without a worker delivers by itself, also what an earlier visit left', async ({
  page,
  app,
  network,
  outbox,
}) => {
  await page.goto('/?page')
  await network.offline()
  await page.evaluate(() => window.hf.mutate({ url: '/a', json: 1 }))
  expect(await outbox.count()).toBe(1)
  await network.online()
  await expect.poll(() => app.arrivals.length).toBe(1)
  await expect.poll(() => outbox.count()).toBe(0)

  await page.evaluate(async () => {
    await window.hf.pause()
    await window.hf.mutate({ url: '/b', json: 2 })
  })
  await page.reload()
  expect(await outbox.count()).toBe(1)
  await page.evaluate(() => window.hf.resume())
  await expect.poll(() => app.arrivals.map(({ url }) => url)).toEqual(['/a', '/b'])
})
