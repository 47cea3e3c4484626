import { expect, open, send, test } from './support/capture-app.ts'
import { everythingStored } from './support/everything-stored.ts'

test('a kept write has the headers and the credentials mode that the app gave it; no secret is stored', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  await open(page, worker)
  await page.evaluate(() => {
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store is not in every engine.
    document.cookie = 'session=very-secret; path=/'
  })
  await network.offline()
  const headers = { 'X-Own': 'mine', Accept: 'text/x-own', 'If-Match': '"7"' }
  for (const credentials of ['omit', 'same-origin', 'include'] as const) {
    expect(await send(page, `/api/${credentials}`, { credentials, headers })).toMatchObject({ status: 202 })
  }
  // Nothing could add it later: the app gets its failure.
  expect(await send(page, '/api/signed', { headers: { Authorization: 'Bearer very-secret' } })).toBeUndefined()
  expect(await everythingStored(page)).not.toContain('very-secret')
  expect(await everythingStored(page)).toContain('x-own')

  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  const cookies = Object.fromEntries(app.arrivals.map(({ url, headers }) => [url, headers.cookie]))
  expect(cookies).toEqual({
    '/api/omit': undefined,
    '/api/same-origin': 'session=very-secret',
    '/api/include': 'session=very-secret',
  })
  for (const { headers } of app.arrivals) {
    expect(headers).toMatchObject({ 'x-own': 'mine', accept: 'text/x-own', 'if-match': '"7"' })
  }
  expect(await send(page, '/api/signed', { headers: { Authorization: 'Bearer mine' } })).toMatchObject({ status: 200 })
  expect(app.arrivals.at(-1)?.headers.authorization).toBe('Bearer mine')
})
