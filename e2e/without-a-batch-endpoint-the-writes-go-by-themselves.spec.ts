import { expect, pageWith, test } from './support/small-app.ts'

test('a server without a batch endpoint is asked for it once, and the writes go by themselves', async ({
  page,
  worker,
  app,
}) => {
  app.answer(({ url }, response) => {
    response.statusCode = url === '/batch' ? 404 : 201
    response.end()
  })
  await page.goto(pageWith({ pace: { endpoint: '/batch', batchSize: 50 } }))
  await worker.ready(page)
  const ids = await page.evaluate(async () => {
    await window.hf.pause()
    const writes = Array.from({ length: 20 }, (_, number) => window.hf.mutate({ url: `/notes/${number}`, json: {} }))
    const receipts = await Promise.all(writes)
    Object.assign(window, { settled: Promise.all(receipts.map(({ settled }) => settled)) })
    return receipts.map(({ id }) => id)
  })
  await page.evaluate(() => window.hf.resume())
  const settled = await page.evaluate(() => (window as unknown as { settled: Promise<object[]> }).settled)
  expect(settled).toMatchObject(Array(20).fill({ kind: 'confirmed', status: 201 }))
  const singles = app.arrivals.filter(({ url }) => url !== '/batch')
  expect(app.arrivals.length - singles.length).toBe(1)
  expect(singles.map(({ headers }) => headers['idempotency-key']).sort()).toEqual(ids.map(id => `"${id}"`).sort())
})
