import { everythingStored } from './support/everything-stored.ts'
import { expect, pageWith, test } from './support/small-app.ts'

test('the outbox tells how full it is, refuses what is beyond its limit and stores nothing of it, and takes writes again', async ({
  page,
  network,
  worker,
  app,
  outbox,
}) => {
  await page.goto(pageWith({ limits: { mutations: 5 } }))
  await worker.ready(page)
  await network.offline()
  const pressure = () => page.evaluate(() => window.hf.status.get().pressure)
  const write = (numbers: number[]) =>
    page.evaluate(async numbers => {
      for (const number of numbers) await window.hf.mutate({ url: `/notes/${number}`, json: {} })
    }, numbers)
  await write([1, 2])
  await expect.poll(pressure).toBe(0.4)
  await write([3, 4, 5])
  await expect.poll(pressure).toBe(1)

  const refused = await page.evaluate(() =>
    window.hf
      .mutate({ url: '/notes/6', body: new Blob(['x'.repeat(100_000)]) })
      .catch(({ code, message }) => ({ code, message })),
  )
  expect(refused).toMatchObject({ code: 'outbox-full' })
  expect(await everythingStored(page)).not.toContain('xxxx')
  expect((await outbox.list()).map(({ url }) => new URL(url).pathname).sort()).toEqual(
    [1, 2, 3, 4, 5].map(n => `/notes/${n}`),
  )
  expect(await page.evaluate(() => window.hf.outbox.count())).toBe(5)

  await network.online()
  await expect.poll(() => outbox.count()).toBe(0)
  await expect.poll(pressure).toBe(0)
  await write([7])
  await expect.poll(() => app.arrivals.map(({ url }) => url).sort()).toEqual([1, 2, 3, 4, 5, 7].map(n => `/notes/${n}`))
})
