import { expect, test } from './support/small-app.ts'

test('the receipt tells how the write ended: confirmed with the answer, or refused with its reason', async ({
  page,
  worker,
  app,
}) => {
  await page.goto('/')
  await worker.ready(page)
  app.answer(({ url }, response) => {
    response.statusCode = url === '/good' ? 201 : 422
    response.setHeader('Content-Type', url === '/good' ? 'application/json' : 'application/problem+json')
    response.end(url === '/good' ? '{"id":7}' : '{"type":"https://example.org/too-long","title":"Too long"}')
  })
  const settled = await page.evaluate(async () => {
    const good = await window.hf.mutate({ url: '/good', json: 1 })
    const bad = await window.hf.mutate({ url: '/bad', json: 1 })
    return Promise.all([good.settled, bad.settled])
  })
  expect(settled).toMatchObject([
    { kind: 'confirmed', status: 201, body: { id: 7 } },
    { kind: 'dead', reason: 'refused', status: 422, problem: { type: 'https://example.org/too-long' } },
  ])
})

test('a write can be cancelled while it waits, and the receipt says so', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await network.offline()
  const result = await page.evaluate(async () => {
    await window.hf.pause()
    const receipt = await window.hf.mutate({ url: '/a', json: 1 })
    return { cancelled: await receipt.cancel(), settled: await receipt.settled, again: await receipt.cancel() }
  })
  expect(result).toEqual({ cancelled: true, settled: { kind: 'cancelled' }, again: false })
  expect(await outbox.count()).toBe(0)
  expect(app.arrivals).toEqual([])
})
