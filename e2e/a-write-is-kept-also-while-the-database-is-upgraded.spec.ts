import type { Page } from '@playwright/test'
import { expect, open, send, test } from './support/capture-app.ts'

test('a write that fails while another tab upgrades the database is kept when that is done', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  await open(page, worker)
  await network.offline()
  expect(await send(page, '/api/notes', { body: '1' })).toMatchObject({ status: 202 })
  await upgradeFor(page, 2_000)
  expect(await send(page, '/api/notes', { body: '2' })).toMatchObject({ status: 202 })
  expect(await outbox.count()).toBe(2)
  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect(app.arrivals.map(({ body }) => body.toString())).toEqual(['1', '2'])
})

test('a tab that does not let go of the database keeps no write of the app waiting for long: it goes on as without us', async ({
  page,
  worker,
  network,
  app,
}) => {
  await open(page, worker)
  await upgradeFor(page, 600_000)
  expect(await send(page, '/api/notes', { body: '1' })).toMatchObject({ status: 200 })
  await network.offline()
  expect(await send(page, '/api/notes', { body: '2' })).toBeUndefined()
  expect(app.arrivals.map(({ body }) => body.toString())).toEqual(['1'])
})

/** Resolves when the upgrade has begun, which then takes that long. */
function upgradeFor(page: Page, time: number): Promise<void> {
  return page.evaluate(
    time =>
      new Promise((resolve, reject) => {
        const until = Date.now() + time
        const opening = indexedDB.open('holdfast', 100)
        opening.onerror = () => reject(opening.error)
        opening.onupgradeneeded = () => {
          const { result, transaction } = opening
          const stores = ['mutations', 'dead', 'conflicts', 'records', 'blobs', 'meta']
          for (const name of stores) if (!result.objectStoreNames.contains(name)) result.createObjectStore(name)
          const store = transaction?.objectStore('meta')
          const again = () => {
            if (Date.now() < until && store) store.count().onsuccess = again
          }
          again()
          resolve()
        }
        opening.onsuccess = () => opening.result.close()
      }),
    time,
  )
}
