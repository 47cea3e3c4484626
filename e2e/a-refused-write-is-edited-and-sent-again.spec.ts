import { expect, test } from './support/small-app.ts'

test('a refused write is edited and sent again, under a new key since it is another request', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  app.answer(({ body }, response) => {
    if (String(body).includes('too long')) response.statusCode = 422
    response.end()
  })
  await page.goto('/')
  await worker.ready(page)
  const { id, first } = await page.evaluate(async () => {
    const receipt = await window.hf.mutate({ url: '/notes', json: { text: 'far too long' }, entity: 'note:1' })
    return { id: receipt.id, first: await receipt.settled }
  })
  expect(first).toMatchObject({ kind: 'dead', reason: 'refused', status: 422 })

  await page.evaluate(id => window.hf.deadLetters.retry(id, { json: { text: 'short' } }), id)
  await expect.poll(() => app.arrivals.length).toBe(2)
  await expect.poll(() => outbox.count()).toBe(0)
  expect(await outbox.deadCount()).toBe(0)
  const [refused, taken] = app.arrivals
  expect(JSON.parse(String(taken?.body))).toEqual({ text: 'short' })
  expect(refused?.headers['idempotency-key']).toBe(`"${id}"`)
  expect(taken?.headers['idempotency-key']).toMatch(/^"[\w-]{36}"$/)
  expect(taken?.headers['idempotency-key']).not.toBe(`"${id}"`)
  const entry = await page.evaluate(id => window.hf.outbox.get(id), id)
  expect(entry).toMatchObject({ state: 'settled', settlement: { kind: 'confirmed', status: 200 } })
})
