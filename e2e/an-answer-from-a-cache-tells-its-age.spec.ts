import { allStored, expect, get, stored, test } from './support/reading-app.ts'

const MATCH = '/api/tides/**'

test('an answer from a cache tells its age, also one of another origin, and is not used beyond its maximum', async ({
  app,
  page,
  network,
}) => {
  const foreign = app.url.replace('localhost', '127.0.0.1')
  const rules = [MATCH, `${foreign}api/**`].map(match => ({ match, strategy: 'cache-first' as const, maxAgeMs: 2500 }))
  app.on('/api/', ({ response, count }) => {
    response.setHeader('Access-Control-Allow-Origin', '*')
    // A server whose clock is a day behind: by its Date everything would be old at once.
    response.setHeader('Date', new Date(Date.now() - 86_400_000).toUTCString())
    response.end(`tides ${count}`)
  })
  await app.open(page, { caching: rules })

  for (const address of ['/api/tides/today', `${foreign}api/tides/tomorrow`]) {
    expect(await get(page, address)).toEqual({ status: 200, text: 'tides 1' })
    await expect.poll(() => stored(page, address)).toBe('tides 1')
    expect(await get(page, address)).toEqual({ status: 200, text: 'tides 1', age: 0 })
    await expect.poll(async () => (await get(page, address)).age).toBeGreaterThanOrEqual(1)
    await expect.poll(async () => (await get(page, address)).text).toBe('tides 2')
  }

  await network.offline()
  await expect.poll(async () => (await get(page, '/api/tides/today')).text).toBe('TypeError')
})

test('an opaque answer is not used beyond the maximum either', async ({ app, page }) => {
  const foreign = app.url.replace('localhost', '127.0.0.1')
  app.on('/api/', ({ response, count }) => response.end(`tides ${count}`))
  await app.open(page, {
    caching: [{ match: `${foreign}api/**`, strategy: 'cache-first', statuses: [0, 200], maxAgeMs: 1000 }],
  })
  await expect
    .poll(async () => {
      await get(page, `${foreign}api/tides/today`, { mode: 'no-cors' })
      return app.hits.get('GET /api/tides/today')
    })
    .toBe(2)
})

test('an age that a proxy has told is added to', async ({ app, page }) => {
  app.on('/api/', ({ response }) => response.setHeader('Age', '100').end('tides'))
  await app.open(page, { caching: [{ match: MATCH, strategy: 'cache-first' }] })
  expect((await get(page, '/api/tides/today')).age).toBe(100)
  await expect.poll(async () => (await get(page, '/api/tides/today')).age).toBeGreaterThan(100)
})

test('of a rule with a maximum of answers the least recently used go first', async ({ app, page }) => {
  app.on('/api/', ({ response, count }) => response.setHeader('Vary', 'Accept').end(`tides ${count}`))
  await app.open(page, { caching: [{ match: MATCH, strategy: 'cache-first', maxEntries: 3 }] })
  for (const port of ['a', 'b', 'c']) {
    await get(page, `/api/tides/${port}`)
    await expect.poll(() => allStored(page)).toContain(`/api/tides/${port}`)
  }
  // The oldest is used again, so that the second is the one to go.
  await get(page, '/api/tides/a')
  await expect.poll(() => lastUsed(page)).toMatch(/\/api\/tides\/a$/)
  await get(page, '/api/tides/d')
  await expect
    .poll(async () => (await allStored(page)).sort())
    .toEqual(['a', 'c', 'd'].map(port => `/api/tides/${port}`))
})

/** Workbox notes it beside the cache. */
function lastUsed(page: import('@playwright/test').Page): Promise<string> {
  return page.evaluate(
    () =>
      new Promise(resolve => {
        const opening = indexedDB.open('workbox-expiration')
        opening.onsuccess = () => {
          const database = opening.result
          const cursor = database
            .transaction('cache-entries')
            .objectStore('cache-entries')
            .index('timestamp')
            .openCursor(null, 'prev')
          cursor.onsuccess = () => {
            database.close()
            resolve(cursor.result?.value.url)
          }
        }
      }),
  )
}
