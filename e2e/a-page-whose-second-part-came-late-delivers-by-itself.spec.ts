import { expect, pageWith, test } from './support/small-app.ts'

test('a page whose second part could not be fetched fetches it later, and delivers what was written meanwhile', async ({
  page,
  app,
}) => {
  let refused = 0
  await page.route(/on-demand/, route => {
    refused += 1
    return route.abort()
  })
  await page.goto(pageWith({ name: 'other', worker: false }))
  await expect.poll(() => refused).toBeGreaterThan(0)
  // The built worker delivers another outbox: nobody but this page can send.
  await page.evaluate(() => window.hf.mutate({ url: '/a', json: 1 }))
  // Once more, when the write was told.
  await expect.poll(() => refused).toBeGreaterThan(1)
  await page.unroute(/on-demand/)
  await expect.poll(() => app.arrivals.map(({ url }) => url), { timeout: 20_000 }).toEqual(['/a'])
})
