import { ok } from './app-server.ts'
import { expect, test } from './fixtures.ts'
import { write } from './writes.ts'

test('a write that the server refuses is shown as a dead letter in every tab, and blocks nothing', async ({
  open,
  server,
}) => {
  server.answer((arrival, response) => {
    if (arrival.url !== '/refused') return ok(arrival, response)
    response.writeHead(422, { 'Content-Type': 'application/problem+json' }).end('{"title":"Too long"}')
  })
  const [tab, other] = [await open(), await open()]
  await write(tab, [
    { url: '/refused', json: 1 },
    { url: '/taken', json: 2 },
  ])
  for (const one of [tab, other]) {
    await expect.poll(() => one.evaluate(() => window.hf.status.get())).toMatchObject({ dead: 1, pending: 0 })
    const letters = await one.evaluate(async () => {
      const letters = await window.hf.deadLetters.list()
      return letters.map(({ url, reason, problem }) => ({ path: new URL(url).pathname, reason, title: problem?.title }))
    })
    expect(letters).toEqual([{ path: '/refused', reason: 'refused', title: 'Too long' }])
  }
  expect(server.arrivals.map(({ url }) => url).sort()).toEqual(['/refused', '/taken'])
})
