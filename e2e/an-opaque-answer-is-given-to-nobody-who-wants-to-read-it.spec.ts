import { allStored, expect, get, stored, test } from './support/reading-app.ts'

test('an opaque answer is given to nobody who wants to read it', async ({ app, page }) => {
  const foreign = app.url.replace('localhost', '127.0.0.1')
  app.on('/tiles/', ({ response, count }) =>
    response.setHeader('Access-Control-Allow-Origin', '*').end(`tile ${count}`),
  )
  await app.open(page, {
    caching: [{ match: `${foreign}tiles/**`, strategy: 'cache-first', statuses: [0, 200] }],
  })
  const tile = `${foreign}tiles/7`
  await get(page, tile, { mode: 'no-cors' })
  await expect.poll(() => stored(page, tile)).toBe('')
  expect(await get(page, tile)).toMatchObject({ status: 200, text: 'tile 2' })
  await expect.poll(() => stored(page, tile)).toBe('tile 2')
  // An image can show what others can read.
  expect((await get(page, tile, { mode: 'no-cors' })).text).toBe('tile 2')
})

test('where a page leads to is not stored as an opaque answer', async ({ app, page }) => {
  app.on('/inbox', ({ response, count }) => {
    response.statusCode = count === 1 ? 302 : 200
    response.setHeader('Content-Type', 'text/html').setHeader('Location', '/sign-in')
    response.end('<!doctype html><title>Inbox</title>')
  })
  app.on('/sign-in', ({ response }) =>
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>Sign in</title>'),
  )
  await app.open(page, {
    caching: ['/inbox', '/sign-in'].map(match => ({ match, strategy: 'cache-first' as const, statuses: [0, 200] })),
  })
  await page.goto('/inbox')
  expect(await page.title()).toBe('Sign in')
  await expect.poll(() => allStored(page)).toEqual(['/sign-in'])
  await page.goto('/inbox')
  expect(await page.title()).toBe('Inbox')
})
