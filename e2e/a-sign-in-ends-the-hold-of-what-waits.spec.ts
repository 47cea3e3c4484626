import { expect, open, send, stateAt, test } from './support/capture-app.ts'

test('a 401 holds what waits, and goes to the app where it sends by itself; when the server takes a write again, all goes on', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  let isSignedIn = false
  app.answer(({ url }, response) => {
    if (url === '/api/login') isSignedIn = true
    response.writeHead(isSignedIn ? 201 : 401).end()
  })
  await open(page, worker)
  await network.offline()
  const first = await send(page, '/api/notes', { body: '1' })
  await network.online()
  await expect.poll(() => app.arrivals.length, { timeout: 30_000 }).toBe(1)
  expect(await send(page, '/api/notes', { body: '2' })).toMatchObject({ status: 202 })
  expect(await send(page, '/api/tags')).toMatchObject({ status: 401 })
  expect(await stateAt(page, first?.location)).toMatchObject({ state: 'waiting', attempts: 0 })
  expect(app.arrivals.map(({ url }) => url)).toEqual(['/api/notes', '/api/tags'])
  expect(await outbox.count()).toBe(2)

  expect(await send(page, '/api/login', { body: 'ada' })).toMatchObject({ status: 201 })
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  const notes = app.arrivals.filter(({ url }) => url === '/api/notes')
  expect(notes.map(({ body }) => body.toString())).toEqual(['1', '1', '2'])
})
