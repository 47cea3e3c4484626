import { expect, get, stored, test } from './support/reading-app.ts'

test('what is stored is refreshed by a periodic sync with the app closed', async ({ app, page, context }) => {
  app.on('/api/', ({ request, response, count }) => response.end(`answer ${count} for ${request.headers.cookie}`))
  await context.addCookies([{ name: 'session', value: 'ann', url: app.url }])
  await app.open(page, {
    caching: [
      { match: '/api/tides', strategy: 'network-first', refresh: true },
      { match: '/api/notes', strategy: 'network-first' },
    ],
  })
  for (const address of ['/api/tides', '/api/notes']) {
    await get(page, address)
    await expect.poll(() => stored(page, address)).toBe('answer 1 for session=ann')
  }
  const devtools = await context.newCDPSession(await context.newPage())
  const registered = new Promise<string>(done => {
    devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const found = registrations.find(({ scopeURL, isDeleted }) => scopeURL === app.url && !isDeleted)
      if (found) done(found.registrationId)
    })
  })
  await devtools.send('ServiceWorker.enable')
  const registrationId = await registered
  await page.close()
  await devtools.send('ServiceWorker.dispatchPeriodicSyncEvent', {
    origin: new URL(app.url).origin,
    registrationId,
    tag: 'holdfast:drain:periodic',
  })
  await expect.poll(() => app.hits.get('GET /api/tides')).toBe(2)
  expect(app.hits.get('GET /api/notes')).toBe(1)
  const again = await context.newPage()
  await again.goto(app.url)
  await context.setOffline(true)
  expect(await get(again, '/api/tides')).toMatchObject({ text: 'answer 2 for session=ann' })
})
