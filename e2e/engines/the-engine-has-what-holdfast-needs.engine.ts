import { expect, test } from './fixtures.ts'

test('the engine has all that Holdfast needs, and no Background Sync', async ({ open }) => {
  const tab = await open()
  const has = await tab.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready
    return {
      serviceWorker: registration.active !== null,
      webLocks: 'locks' in navigator,
      broadcastChannel: 'BroadcastChannel' in window,
      indexedDB: 'indexedDB' in window,
      syncManager: 'SyncManager' in window || 'sync' in registration,
      periodicSync: 'periodicSync' in registration,
    }
  })
  expect(has).toEqual({
    serviceWorker: true,
    webLocks: true,
    broadcastChannel: true,
    indexedDB: true,
    syncManager: false,
    periodicSync: false,
  })
})
