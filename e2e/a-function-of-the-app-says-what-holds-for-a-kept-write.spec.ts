import { expect, open, send, test } from './support/capture-app.ts'

const HANDLERS = `
export const handlers = {
  captures: {
    note({ url, method, json }) {
      if (url.pathname === '/api/login') return false
      const said = json()
      return {
        entity: 'note:' + url.pathname.split('/')[3],
        priority: said?.urgent ? 5 : undefined,
        coalesce: method === 'PUT' ? 'replace' : undefined,
        meta: { label: String(said?.text) },
      }
    },
  },
}
`

test.use({
  plugin: { queue: [{ match: '/api/**', handler: 'note', priority: 1 }], handlers: 'handlers.js' },
  sources: { 'handlers.js': HANDLERS },
})

const json = (value: object) => ({ headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) })

test('a function of the app says of which entity and how urgent a kept write is, and whether it is joined with what waits', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  await open(page, worker)
  await network.offline()
  // The first one was on its way, so that the server may have it; the two behind it were not.
  for (const text of ['one', 'two', 'three']) await send(page, '/api/notes/7', { method: 'PUT', ...json({ text }) })
  await send(page, '/api/notes/7/tags', json({ text: 'a tag' }))
  const urgent = await send(page, '/api/notes/8', json({ text: 'help', urgent: true }))
  expect(await send(page, '/api/login', json({ name: 'ada' }))).toBeUndefined()
  const state = await page.evaluate(url => fetch(url).then(response => response.json()), urgent?.location ?? '')
  expect(state).toMatchObject({ entity: 'note:8', priority: 5, meta: { label: 'help' } })
  expect(await outbox.count()).toBe(4)

  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  const said = app.arrivals.map(({ method, url, body }) => `${method} ${url} ${JSON.parse(body.toString()).text}`)
  expect(said.filter(text => text.includes('/7'))).toEqual([
    'PUT /api/notes/7 one',
    'PUT /api/notes/7 three',
    'POST /api/notes/7/tags a tag',
  ])
  expect(said).toContain('POST /api/notes/8 help')
  expect(said).toHaveLength(4)
})
