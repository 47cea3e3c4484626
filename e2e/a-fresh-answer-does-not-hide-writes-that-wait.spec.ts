import { expect, get, stored, test } from './support/reading-app.ts'

test('an answer of the server does not hide writes that wait, and comes when they are through', async ({
  app,
  page,
  outbox,
}) => {
  const notes = ['one']
  let isTaking = false
  app.on('/api/', ({ request, response }) => {
    if (request.method === 'GET') return response.end(notes.join())
    response.statusCode = isTaking ? 201 : 503
    if (isTaking) notes.push('mine')
    response.end()
  })
  await app.open(page, {
    caching: [
      { match: '/api/notes/**', strategy: 'stale-while-revalidate', tags: ['notes'] },
      { match: '/api/tides', strategy: 'stale-while-revalidate', tags: ['tides'] },
    ],
  })
  const addresses = ['/api/notes', '/api/tides']
  for (const address of addresses) {
    await get(page, address)
    await expect.poll(() => stored(page, address)).toBe('one')
  }

  await page.evaluate(() => window.hf.mutate({ url: '/api/notes', json: { text: 'mine' } }))
  await expect.poll(() => app.hits.get('POST /api/notes')).toBe(1)
  notes.push('of somebody else')
  for (const address of addresses) expect((await get(page, address)).text).toBe('one')
  // What the write does not touch is revalidated as ever; that it was shows that the other one had its time.
  await expect.poll(() => page.evaluate(() => window.fresh)).toEqual(['/api/tides'])
  expect(await stored(page, '/api/notes')).toBe('one')
  expect(app.hits.get('GET /api/notes')).toBe(1)

  isTaking = true
  await page.evaluate(() => window.hf.sync())
  await expect.poll(() => outbox.count()).toBe(0)
  await expect.poll(() => page.evaluate(() => window.fresh)).toEqual(['/api/tides', '/api/notes'])
  expect(await stored(page, '/api/notes')).toBe('one,of somebody else,mine')
})

test('an answer that was on its way before the write is held back, too', async ({ app, page, outbox }) => {
  const notes = ['one']
  const late: (() => void)[] = []
  let isSlow = false
  app.on('/api/', ({ request, response }) => {
    if (request.method === 'POST') {
      notes.push('mine')
      return response.end()
    }
    const text = notes.join()
    if (isSlow) late.push(() => response.end(text))
    else response.end(text)
  })
  await app.open(page, { caching: [{ match: '/api/notes', strategy: 'stale-while-revalidate', tags: ['notes'] }] })
  await get(page, '/api/notes')
  await expect.poll(() => stored(page, '/api/notes')).toBe('one')

  isSlow = true
  notes[0] = 'changed'
  expect((await get(page, '/api/notes')).text).toBe('one')
  await expect.poll(() => late.length).toBe(1)
  isSlow = false
  // Written and confirmed while the answer without it is on its way.
  await page.evaluate(async () => (await window.hf.mutate({ url: '/api/notes' })).settled)
  await expect.poll(() => outbox.count()).toBe(0)
  late[0]?.()
  // The next look at it asks again, and what was late is nowhere to be seen.
  await expect.poll(async () => (await get(page, '/api/notes')).text).toBe('changed,mine')
  expect(await page.evaluate(() => window.fresh)).toEqual(['/api/notes'])
})

test('what another person has left behind holds nothing back', async ({ app, page }) => {
  app.on('/api/', ({ request, response, count }) => {
    response.statusCode = request.method === 'GET' ? 200 : 503
    response.end(`answer ${count}`)
  })
  await app.open(page, { caching: [{ match: '/api/notes', strategy: 'stale-while-revalidate', tags: ['notes'] }] })
  await page.evaluate(() => window.hf.identify('ann'))
  await get(page, '/api/notes')
  await expect.poll(() => stored(page, '/api/notes')).toBe('answer 1')
  await page.evaluate(() => window.hf.mutate({ url: '/api/notes', json: { text: 'mine' } }))
  await page.evaluate(() => window.hf.identify('ben'))
  await get(page, '/api/notes')
  await expect.poll(() => stored(page, '/api/notes')).toBe('answer 2')
})

test('an answer that has become too old comes from the network although writes wait', async ({ app, page }) => {
  app.on('/api/', ({ request, response, count }) => {
    response.statusCode = request.method === 'GET' ? 200 : 503
    response.end(`answer ${count}`)
  })
  await app.open(page, {
    caching: [{ match: '/api/notes', strategy: 'stale-while-revalidate', tags: ['notes'], maxAgeMs: 500 }],
  })
  await page.evaluate(() => window.hf.mutate({ url: '/api/notes', json: { text: 'mine' } }))
  await get(page, '/api/notes')
  await expect.poll(() => stored(page, '/api/notes')).toBe('answer 1')
  const seen = new Set<string>()
  await expect
    .poll(async () => {
      seen.add((await get(page, '/api/notes')).text)
      return [...seen]
    })
    .toContain('answer 2')
  expect([...seen]).not.toContain('TypeError')
})

test('a page that the browser asks for while the worker starts is replaced as well', async ({ app, page }) => {
  app.on('/articles/', ({ response, count }) =>
    response.setHeader('Content-Type', 'text/html').end(`<!doctype html><title>Version ${count}</title>`),
  )
  await app.open(page, {
    navigationPreload: true,
    caching: [{ match: '/articles/**', strategy: 'stale-while-revalidate', tags: ['articles'] }],
  })
  await page.goto('/articles/7')
  await expect.poll(() => stored(page, '/articles/7')).toContain('Version 1')
  await page.goto('/articles/7')
  expect(await page.title()).toBe('Version 1')
  await expect.poll(() => stored(page, '/articles/7')).toContain('Version 2')
})

test('what the browser itself keeps does not hide writes that are through', async ({ app, page, outbox }) => {
  const notes = ['one']
  let isTaking = false
  app.on('/api/', ({ request, response }) => {
    if (request.method === 'GET') return response.setHeader('Cache-Control', 'max-age=60').end(notes.join())
    response.statusCode = isTaking ? 201 : 503
    if (isTaking) notes.push('mine')
    response.end()
  })
  await app.open(page, { caching: [{ match: '/api/notes/**', strategy: 'stale-while-revalidate', tags: ['notes'] }] })
  await get(page, '/api/notes')
  await expect.poll(() => stored(page, '/api/notes')).toBe('one')
  // A browser drops by itself what it keeps of the address that is written to, not of others.
  await page.evaluate(() => window.hf.mutate({ url: '/api/notes/new', json: { text: 'mine' } }))
  expect((await get(page, '/api/notes')).text).toBe('one')
  isTaking = true
  await page.evaluate(() => window.hf.sync())
  await expect.poll(() => outbox.count()).toBe(0)
  await expect.poll(() => page.evaluate(() => window.fresh)).toEqual(['/api/notes'])
  expect(await stored(page, '/api/notes')).toBe('one,mine')
})
