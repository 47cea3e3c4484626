import { expect, get, stored, test } from './support/reading-app.ts'

test('an old answer stands in for a server that is broken, and for one that is out of reach', async ({
  app,
  page,
  network,
}) => {
  let status = 200
  app.on('/api/', ({ response, count }) => {
    response.statusCode = status
    response.end(`answer ${count}`)
  })
  await app.open(page, {
    caching: [
      { match: '/api/first/**', strategy: 'network-first', staleIfError: true },
      { match: '/api/plain/**', strategy: 'network-first' },
      { match: '/api/aged/**', strategy: 'cache-first', staleIfError: true, maxAgeMs: 1 },
    ],
  })
  const addresses = ['/api/first/a', '/api/plain/a', '/api/aged/a']
  for (const address of addresses) {
    await get(page, address)
    await expect.poll(() => stored(page, address)).toBe('answer 1')
  }

  status = 503
  expect(await get(page, '/api/first/a')).toEqual({ status: 200, text: 'answer 1', age: expect.any(Number) })
  expect(await get(page, '/api/plain/a')).toEqual({ status: 503, text: 'answer 2' })
  expect(await get(page, '/api/aged/a')).toMatchObject({ status: 200, text: 'answer 1' })
  // Where nothing is stored, the page hears what the server says.
  expect(await get(page, '/api/first/new')).toEqual({ status: 503, text: 'answer 1' })
  status = 404
  expect((await get(page, '/api/first/a')).status).toBe(404)

  await network.offline()
  for (const address of addresses) expect(await get(page, address)).toMatchObject({ status: 200, text: 'answer 1' })
  expect((await get(page, '/api/first/other')).text).toBe('TypeError')
})

test('an old page stands in for one that the browser has asked for while the worker started', async ({ app, page }) => {
  app.on('/articles/', ({ response, count }) => {
    response.statusCode = count === 1 ? 200 : 503
    response.setHeader('Content-Type', 'text/html').end(`<!doctype html><title>Version ${count}</title>`)
  })
  await app.open(page, {
    navigationPreload: true,
    caching: [{ match: '/articles/**', strategy: 'network-first', staleIfError: true }],
  })
  await page.goto('/articles/7')
  await expect.poll(() => stored(page, '/articles/7')).toContain('Version 1')
  await page.goto('/articles/7')
  expect(await page.title()).toBe('Version 1')
  expect(app.hits.get('GET /articles/7')).toBe(2)
})
