import { roomOf } from './support/full-device.ts'
import { expect, get, stored, test } from './support/reading-app.ts'

const MEGABYTE = 1024 * 1024

test('a full device loses caches by their priority: never what is pinned, nor a write, nor the app itself', async ({
  app,
  page,
  network,
  outbox,
}) => {
  app.on('/api/', ({ request, response }) => {
    if (request.method === 'POST') response.statusCode = 503
    response.end(Buffer.alloc(request.url?.includes('large') ? 4 * MEGABYTE : MEGABYTE, '.'))
  })
  await page.goto('about:blank')
  const room = await roomOf(page, app.url)
  await room.limit(10 * MEGABYTE)
  await app.open(page, {
    caching: [
      { match: '/api/pinned/**', strategy: 'cache-first', pinned: true, priority: -1 },
      { match: '/api/worthless/**', strategy: 'cache-first', priority: -1 },
      { match: '/api/**', strategy: 'cache-first' },
    ],
  })
  const isStored = async (address: string) => (await stored(page, address)) !== undefined
  const keep = async (address: string) => {
    await get(page, address)
    await expect.poll(() => isStored(address)).toBe(true)
  }
  await page.evaluate(() => window.hf.mutate({ url: '/api/notes', json: { text: 'mine' } }))
  for (const address of ['/api/pinned/a', '/api/worthless/a', '/api/worthless/large', '/api/tides/a'])
    await keep(address)

  // Too much, until what is worth least is gone.
  await expect
    .poll(async () => {
      await get(page, '/api/tides/large')
      return isStored('/api/tides/large')
    })
    .toBe(true)
  expect(await isStored('/api/worthless/large')).toBe(false)
  for (const address of ['/api/pinned/a', '/api/tides/a']) expect(await isStored(address)).toBe(true)
  expect(await outbox.count()).toBe(1)

  await network.offline()
  await page.reload()
  expect(await page.title()).toBe('Reading')
})

test('on a full device the next read makes room for writes', async ({ app, page, outbox }) => {
  app.on('/api/', ({ request, response }) => {
    if (request.method === 'POST') response.statusCode = 503
    response.end(Buffer.alloc(request.method === 'GET' ? 4 * MEGABYTE : 0, '.'))
  })
  await page.goto('about:blank')
  const room = await roomOf(page, app.url)
  await room.limit(10 * MEGABYTE)
  await app.open(page, { caching: [{ match: '/api/**', strategy: 'network-first' }] })
  const write = () =>
    page.evaluate(
      body =>
        window.hf.mutate({ url: '/api/photos', body: new Blob([body]) }).then(
          () => 'kept',
          (error: { code: string }) => error.code,
        ),
      '.'.repeat(3 * MEGABYTE),
    )
  for (const address of ['/api/a', '/api/b']) {
    await get(page, address)
    await expect.poll(async () => (await stored(page, address)) !== undefined).toBe(true)
  }
  await expect.poll(write).toBe('quota-exceeded')
  const before = await outbox.count()
  await get(page, '/api/c')
  await expect.poll(write).toBe('kept')
  expect(await outbox.count()).toBe(before + 1)
})
