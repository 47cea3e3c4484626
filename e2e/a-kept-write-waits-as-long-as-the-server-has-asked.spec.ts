import { expect, open, send, test } from './support/capture-app.ts'

test('a write that the server has sent away with 503 is kept, and comes again when the time that it asked for is over', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  const times: number[] = []
  app.answer((_arrival, response) => {
    times.push(Date.now())
    if (times.length === 1) response.setHeader('Retry-After', '3').writeHead(503)
    response.end()
  })
  await open(page, worker)
  const heard = await send(page, '/api/notes')
  expect(heard).toMatchObject({ status: 202 })
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  const [first = 0, second = 0] = times
  expect(second - first).toBeGreaterThanOrEqual(3_000)
  expect(second - first).toBeLessThan(10_000)
  expect(app.arrivals.map(({ headers }) => headers['idempotency-key'])).toEqual(Array(2).fill(`"${heard?.receipt}"`))
})
