import { expect, open, send, test } from './support/capture-app.ts'
import { effectsOf } from './support/effects.ts'

test.use({ plugin: { queue: [{ match: '/api/**', timeoutMs: 700 }] } })

test('a write that a server takes and does not answer in time is kept, and comes again under the same key', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  app.answer((_arrival, response) => {
    if (app.arrivals.length > 1) response.writeHead(201).end()
  })
  await open(page, worker)
  const startedAt = Date.now()
  const heard = await send(page, '/api/notes', { body: 'Two seals' })
  const took = Date.now() - startedAt
  expect(heard).toMatchObject({ status: 202 })
  expect(took).toBeGreaterThanOrEqual(700)
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect(app.arrivals.map(({ body }) => body.toString())).toEqual(['Two seals', 'Two seals'])
  expect(effectsOf(app)).toEqual(['/api/notes'])
})

test('an answer that has begun in time may take as long as it likes', async ({ page, worker, app, outbox }) => {
  app.answer((_arrival, response) => {
    response.writeHead(201).write('begun, ')
    setTimeout(() => response.end('ended'), 1_500)
  })
  await open(page, worker)
  expect(await send(page, '/api/notes')).toMatchObject({ status: 201, body: 'begun, ended' })
  expect(await outbox.count()).toBe(0)
  expect(app.arrivals).toHaveLength(1)
})
