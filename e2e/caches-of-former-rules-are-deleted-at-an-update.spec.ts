import { expect, get, stored, test } from './support/reading-app.ts'
import { takeNewVersion } from './support/take-new-version.ts'

test('caches of former rules are deleted at an update, those of others and of rules that stay are not', async ({
  app,
  page,
}) => {
  app.on('/api/', ({ response, count }) => response.end(`answer ${count}`))
  const stays = { match: '/api/stays/**', strategy: 'cache-first' as const }
  await app.open(page, { caching: [stays, { match: '/api/goes/**', strategy: 'cache-first', maxEntries: 5 }] })
  for (const address of ['/api/stays/a', '/api/goes/a']) {
    await get(page, address)
    await expect.poll(() => stored(page, address)).toBe('answer 1')
  }
  const others = ['notes-of-the-app', `holdfast:runtime:holdfast:/api/**:${app.url}another-app/`]
  await page.evaluate(names => Promise.all(names.map(name => caches.open(name))), others)

  await app.build({ caching: [stays] })
  await takeNewVersion(page)
  const names = () => page.evaluate(() => caches.keys())
  await expect
    .poll(async () => (await names()).filter(name => !name.startsWith('holdfast:precache:')).sort())
    .toEqual([`holdfast:runtime:holdfast:/api/stays/**:${app.url}`, ...others].sort())
  expect(await get(page, '/api/stays/a')).toMatchObject({ text: 'answer 1' })
})
