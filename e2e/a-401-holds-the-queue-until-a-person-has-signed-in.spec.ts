import { expect, test } from './support/small-app.ts'

test('a 401 holds the queue until a person has signed in, and burns no attempt', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  app.answer((_arrival, response) => {
    response.statusCode = 401
    response.end()
  })
  await page.evaluate(async () => {
    await window.hf.mutate({ url: '/a', json: 1 })
    await window.hf.mutate({ url: '/b', json: 2 })
  })
  await expect.poll(() => page.evaluate(() => window.hf.status.get().state)).toBe('held')
  await page.evaluate(() => window.hf.sync())
  expect(app.arrivals).toHaveLength(1)
  expect((await outbox.list()).map(({ attempts }) => attempts)).toEqual([0, 0])

  app.answer((_arrival, response) => void response.end())
  await page.evaluate(() => window.hf.resume())
  await expect.poll(() => outbox.count()).toBe(0)
  expect(
    app.arrivals
      .map(({ url }) => url)
      .slice(1)
      .sort(),
  ).toEqual(['/a', '/b'])
  await expect.poll(() => page.evaluate(() => window.hf.status.get().state)).toBe('idle')
})
