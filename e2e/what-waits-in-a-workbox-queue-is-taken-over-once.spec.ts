import type { Page } from '@playwright/test'
import { dispatchSync, expect, post, test, useWorker } from './support/workbox-app.ts'

test('what waits in a queue of Workbox is taken over by the next worker of the app, and delivered once, in order', async ({
  page,
  app,
  network,
  outbox,
}) => {
  await page.goto('/')
  await useWorker(page, 'workbox')
  await network.offline()
  for (const text of ['1', '2', '3']) expect(await post(page, text)).toBe(false)

  // The one attempt of Workbox, after which it waits for minutes.
  let attempts = 0
  await page.context().route('**/api/notes', route => {
    attempts += 1
    return route.abort()
  })
  await network.online()
  await expect.poll(() => attempts, { timeout: 30_000 }).toBe(1)
  await expect.poll(() => inWorkbox(page)).toBe(3)
  expect(await outbox.count()).toBe(0)

  await useWorker(page, 'ours')
  expect(await inWorkbox(page)).toBe(0)
  expect(await outbox.count()).toBe(3)
  await page.context().unrouteAll()
  await dispatchSync(page)
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect(app.arrivals.map(({ body }) => body.toString())).toEqual(['1', '2', '3'])
})

/** How many requests are in Workbox's own database. */
function inWorkbox(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open('workbox-background-sync')
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const count = opening.result.transaction('requests').objectStore('requests').count()
          count.onsuccess = () => resolve(count.result)
          opening.result.close()
        }
      }),
  )
}
