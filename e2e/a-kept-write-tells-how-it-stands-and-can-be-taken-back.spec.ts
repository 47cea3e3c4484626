import { expect, open, send, stateAt, test } from './support/capture-app.ts'

test('the Location of a kept write tells how it stands: waiting, done with the answer of the server, or refused with its reason', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  await open(page, worker)
  await network.offline()
  const [done, refused] = [
    await send(page, '/api/done', { body: 'a' }),
    await send(page, '/api/refused', { body: 'b' }),
  ]
  expect(new URL(done?.location ?? '').pathname).toBe(`/.holdfast/${done?.receipt}`)
  expect(JSON.parse(done?.body ?? '')).toEqual({ receipt: { id: done?.receipt, state: 'waiting' } })
  const waiting = { state: 'waiting', method: 'POST', url: `${app.url}api/done`, attempts: 0 }
  expect(await stateAt(page, done?.location)).toMatchObject({ id: done?.receipt, ...waiting })

  const problem = { type: 'https://api.example/problems/too-long', title: 'It is too long.' }
  app.answer(({ url }, response) => {
    if (url === '/api/done') response.setHeader('Content-Type', 'application/json').writeHead(201).end('{"number":7}')
    else response.setHeader('Content-Type', 'application/problem+json').writeHead(422).end(JSON.stringify(problem))
  })
  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect(await stateAt(page, done?.location)).toMatchObject({
    state: 'settled',
    settlement: { kind: 'confirmed', status: 201, body: { number: 7 } },
  })
  expect(await stateAt(page, refused?.location)).toMatchObject({
    state: 'settled',
    settlement: { kind: 'dead', reason: 'refused', status: 422, problem },
  })
  expect(await stateAt(page, '/.holdfast/nothing')).toEqual({ id: 'nothing', state: 'unknown' })
})

test('a DELETE of the Location takes a write back as long as it waits, and then it never arrives', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  await open(page, worker)
  await network.offline()
  const [first, second] = [await send(page, '/api/notes', { body: '1' }), await send(page, '/api/notes', { body: '2' })]
  const takeBack = (location = '') => send(page, location, { method: 'DELETE' }).then(heard => heard?.status)
  expect(await takeBack(first?.location)).toBe(204)
  expect(await stateAt(page, first?.location)).toMatchObject({ state: 'settled', settlement: { kind: 'cancelled' } })

  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect(app.arrivals.map(({ body }) => body.toString())).toEqual(['2'])
  expect([await takeBack(first?.location), await takeBack(second?.location)]).toEqual([409, 409])
  expect(await takeBack('/.holdfast/nothing')).toBe(404)
})
