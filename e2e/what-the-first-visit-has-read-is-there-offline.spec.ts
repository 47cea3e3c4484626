import { expect, get, stored, test } from './support/reading-app.ts'

test('what the first visit has read before there was a worker is there offline', async ({ app, page, network }) => {
  let answerLate: (() => void) | undefined
  app.on('/api/', ({ response, request }) => {
    if (request.url === '/api/late' && !answerLate) answerLate = () => response.end('tides')
    else response.end('tides')
  })
  await app.open(
    page,
    {
      caching: [
        { match: '/api/tides/once', strategy: 'network-only' },
        { match: '/api/tides/**', strategy: 'network-first' },
        { match: '/api/late', strategy: 'cache-first' },
      ],
    },
    {
      'index.html': `<!doctype html><title>Reading</title><script type="module" src="/main.js"></script>
<script>for (const path of ['/api/tides/today', '/api/tides/once', '/api/other', '/api/late']) fetch(path).catch(() => undefined)</script>`,
    },
  )
  await expect.poll(() => stored(page, '/api/tides/today')).toBe('tides')
  // Asked for again because of the rule; what has none is not, nor what is not to be stored.
  const asked = ['/api/tides/today', '/api/tides/once', '/api/other'].map(path => app.hits.get(`GET ${path}`))
  expect(asked).toEqual([2, 1, 1])
  // It was on its way when the worker took over.
  answerLate?.()
  await expect.poll(() => stored(page, '/api/late')).toBe('tides')
  await network.offline()
  await page.reload()
  expect(await get(page, '/api/tides/today')).toMatchObject({ status: 200, text: 'tides' })
})
