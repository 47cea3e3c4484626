import { expect, test } from './support/small-app.ts'

test('two clients of one name in one page share one outbox: each write arrives once, in order, and closing one harms nothing', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  const seen = await page.evaluate(async () => {
    const [one, two] = [window.hf, window.createHoldfast()]
    await one.pause()
    const receipts = []
    for (let count = 0; count < 20; count += 1) {
      const client = count % 2 === 0 ? one : two
      receipts.push(await client.mutate({ url: `/${count}`, entity: 'a', json: count }))
    }
    const unwanted = await two.mutate({ url: '/unwanted', json: 1 })
    const cancelled = await one.outbox.cancel(unwanted.id)
    const counts = [await one.outbox.count(), await two.outbox.count()]
    const lists = [await one.outbox.list(), await two.outbox.list()].map(list => list.map(({ id }) => id))
    await two.resume()
    const settled = await Promise.all(receipts.map(({ settled }) => settled))
    return { counts, lists, cancelled, unwanted: await unwanted.settled, kinds: settled.map(({ kind }) => kind) }
  })
  expect(seen.counts).toEqual([20, 20])
  expect(seen.lists[0]).toEqual(seen.lists[1])
  expect([seen.cancelled, seen.unwanted]).toEqual([true, { kind: 'cancelled' }])
  expect(seen.kinds).toEqual(Array(20).fill('confirmed'))
  expect(app.arrivals.map(({ url }) => url)).toEqual(Array.from({ length: 20 }, (_, count) => `/${count}`))

  await page.evaluate(async () => {
    const third = window.createHoldfast()
    await window.hf.close()
    await third.mutate({ url: '/after', json: 1 })
  })
  await expect.poll(() => app.arrivals.at(-1)?.url).toBe('/after')
  await expect.poll(() => outbox.count()).toBe(0)
})

test('two clients of one name in a page without a worker send each write once, in order', async ({ page, app }) => {
  await page.goto('/?none')
  await page.evaluate(async () => {
    const clients = [window.createHoldfast({ worker: false }), window.createHoldfast({ worker: false })]
    const writes = Array.from({ length: 40 }, (_, count) => ({ url: `/${count}`, entity: `of ${count % 2}`, json: 1 }))
    const receipts = await Promise.all(writes.map((write, count) => clients[count % 2]?.mutate(write)))
    await Promise.all(receipts.map(receipt => receipt?.settled))
  })
  const numbers = app.arrivals.map(({ url }) => Number(url.slice(1)))
  expect(numbers).toHaveLength(40)
  for (const rest of [0, 1]) {
    const own = numbers.filter(number => number % 2 === rest)
    expect(own).toEqual(Array.from({ length: 20 }, (_, index) => 2 * index + rest))
  }
})
