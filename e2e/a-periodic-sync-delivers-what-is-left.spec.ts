import { expect, test } from './support/small-app.ts'

test('where the browser wakes the worker now and then, that delivers what is left, with no tab of the app open', async ({
  page,
  context,
  network,
  worker,
  app,
}) => {
  const { origin } = new URL(app.url)
  const browser = await context.browser()?.newBrowserCDPSession()
  const { targetInfo } = await (await context.newCDPSession(page)).send('Target.getTargetInfo')
  const { browserContextId } = targetInfo
  const permissions = ['periodicBackgroundSync' as const, 'backgroundSync' as const]
  await browser?.send('Browser.grantPermissions', { origin, permissions, browserContextId })
  // Without the sync events that would come first.
  await page.addInitScript(() => void Reflect.deleteProperty(ServiceWorkerRegistration.prototype, 'sync'))
  await page.goto('/')
  await worker.ready(page)
  await expect.poll(() => page.evaluate(periodicTags)).toEqual(['holdfast:drain:periodic'])
  await network.offline()
  await page.evaluate(async () => void (await window.hf.mutate({ url: '/left', json: 1 })))
  const session = await context.newCDPSession(page)
  const registration = new Promise<string>(resolve =>
    session.on(
      'ServiceWorker.workerRegistrationUpdated',
      ({ registrations: [one] }) => one && resolve(one.registrationId),
    ),
  )
  await session.send('ServiceWorker.enable')
  const registrationId = await registration
  await worker.stop()
  await page.goto('about:blank')
  await network.online()
  expect(app.arrivals).toEqual([])

  await session.send('ServiceWorker.dispatchPeriodicSyncEvent', {
    origin: app.url,
    registrationId,
    tag: 'holdfast:drain:periodic',
  })
  await expect.poll(() => app.arrivals.map(({ url }) => url)).toEqual(['/left'])
})

async function periodicTags(): Promise<string[]> {
  const registration = await navigator.serviceWorker.ready
  return (registration as unknown as { periodicSync: { getTags(): Promise<string[]> } }).periodicSync.getTags()
}
