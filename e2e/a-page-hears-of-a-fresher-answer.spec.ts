import { expect, get, stored, test } from './support/reading-app.ts'

test('every page hears of a fresher answer, by its address, and not of one that is the same', async ({
  app,
  page,
  context,
}) => {
  let notes = 'first'
  app.on('/api/', ({ response }) => response.end(notes))
  await app.open(page, { caching: [{ match: '/api/**', strategy: 'stale-while-revalidate' }] })
  const other = await context.newPage()
  await other.goto(app.url)
  await get(page, '/api/notes')
  await expect.poll(() => stored(page, '/api/notes')).toBe('first')

  // The same answer is stored again, and nobody is told.
  expect((await get(page, '/api/notes')).text).toBe('first')
  await expect.poll(() => app.hits.get('GET /api/notes')).toBe(2)
  notes = 'second'
  expect((await get(page, '/api/notes')).text).toBe('first')
  for (const one of [page, other]) await expect.poll(() => one.evaluate(() => window.fresh)).toEqual(['/api/notes'])
  expect((await get(page, '/api/notes')).text).toBe('second')
})

test('a page that was given an old answer, because the network was slow, hears of the new one', async ({
  app,
  page,
}) => {
  let late: (() => void) | undefined
  app.on('/api/', ({ response, count }) => {
    const answer = () => response.end(`answer ${count}`)
    if (count === 1) answer()
    else late = answer
  })
  await app.open(page, { caching: [{ match: '/api/**', strategy: 'network-first', timeoutMs: 100, announce: true }] })
  await get(page, '/api/notes')
  await expect.poll(() => stored(page, '/api/notes')).toBe('answer 1')
  expect((await get(page, '/api/notes')).text).toBe('answer 1')
  expect(await page.evaluate(() => window.fresh)).toEqual([])
  late?.()
  await expect.poll(() => page.evaluate(() => window.fresh)).toEqual(['/api/notes'])
  expect(await stored(page, '/api/notes')).toBe('answer 2')
})
