import { expect, open, send, test } from './support/capture-app.ts'

test('once a write of an entity waits, later ones wait behind it, also online and from another tab; other entities do not', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  app.answer((_arrival, response) => response.setHeader('Retry-After', '3').writeHead(503).end())
  await open(page, worker)
  const other = await page.context().newPage()
  await open(other, worker)
  expect(await send(page, '/api/notes', { body: '1' })).toMatchObject({ status: 202 })
  app.answer((_arrival, response) => response.writeHead(201).end())
  expect(await send(other, '/api/notes', { body: '2' })).toMatchObject({ status: 202 })
  await network.offline()
  expect(await send(page, '/api/notes', { body: '3' })).toMatchObject({ status: 202 })
  await network.online()
  expect(await send(other, '/api/notes', { body: '4' })).toMatchObject({ status: 202 })
  expect(await send(page, '/api/notes', { method: 'DELETE' })).toMatchObject({ status: 202 })
  expect(await send(page, '/api/tags', { body: 'a tag' })).toMatchObject({ status: 201 })
  // The server would have taken each of them.
  expect(app.arrivals.map(({ url }) => url)).toEqual(['/api/notes', '/api/tags'])

  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  const notes = app.arrivals.filter(({ url }) => url === '/api/notes')
  expect(notes.map(({ method, body }) => `${method} ${body}`)).toEqual([
    'POST 1',
    'POST 1',
    'POST 2',
    'POST 3',
    'POST 4',
    'DELETE ',
  ])
  // And when nothing waits any more they go to the server as ever.
  expect(await send(other, '/api/notes', { body: '5' })).toMatchObject({ status: 201 })
})
