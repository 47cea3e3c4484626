import type { Page } from '@playwright/test'
import { expect, type Heard, open, send, test } from './support/capture-app.ts'
import { effectsOf } from './support/effects.ts'

/** Holds back the first 202, as if it were stopped when the write is on the device, and before the app hears of it. */
const WORKER = `
import { startHoldfast } from 'holdfast/sw'
const { respondWith } = FetchEvent.prototype
FetchEvent.prototype.respondWith = function (answer) {
  const isFirst = !this.request.url.endsWith('?free') && caches.has('held').then(isHeld => !isHeld)
  respondWith.call(this, Promise.resolve(answer).then(async response => {
    if (response.status !== 202 || !(await isFirst)) return response
    await caches.open('held')
    return new Promise(() => undefined)
  }))
}
startHoldfast({ manifest: self.__WB_MANIFEST, queue: ['/api/**'] })
addEventListener('install', () => skipWaiting())
`

test.use({ plugin: { worker: 'sw.js' }, sources: { 'sw.js': WORKER } })

const KEYS: [string, Record<string, string>][] = [
  ['a key of its own', { 'Idempotency-Key': 'my-key' }],
  ['no key', {}],
]

// Chromium gives the requests of a worker that is gone to the next one, by itself: the app does not notice.
for (const [having, headers] of KEYS) {
  test(`a write with ${having}: a worker that is stopped while the server has it sends it once more, under the same key`, async ({
    page,
    worker,
    app,
    outbox,
  }) => {
    app.answer((_arrival, response) => {
      if (app.arrivals.length > 1) response.writeHead(201).end()
    })
    await open(page, worker)
    const heard = send(page, '/api/notes', { body: 'a', headers })
    await expect.poll(() => app.arrivals.length).toBe(1)
    await worker.stop()
    expect(await heard).toMatchObject({ status: 201 })
    expect(app.arrivals).toHaveLength(2)
    expect(effectsOf(app)).toHaveLength(1)
    expect(await outbox.count()).toBe(0)
  })

  test(`a write with ${having}: a worker that is stopped before it could store it has promised nothing; the next one does`, async ({
    page,
    worker,
    app,
    outbox,
  }) => {
    let hasAnswered = false
    app.answer(async (_arrival, response) => {
      if (!hasAnswered) await page.evaluate(occupyTheQueue)
      response.once('finish', () => {
        hasAnswered = true
      })
      response.setHeader('Retry-After', '2').writeHead(503).end()
    })
    await open(page, worker)
    const heard = send(page, '/api/notes?free', { body: 'a', headers })
    await expect.poll(() => hasAnswered).toBe(true)
    // Whether or not the answer has come to the worker by then: it cannot store anything.
    await worker.stop()
    await page.evaluate(() => (window as unknown as { free(): void }).free())
    expect(await heard).toMatchObject({ status: 202 })
    expect(await outbox.count()).toBe(1)

    app.answer((_arrival, response) => response.end())
    await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
    expect(effectsOf(app).filter(url => url === '/api/notes?free')).toHaveLength(1)
  })

  test(`a write with ${having}: a worker that is stopped when it is stored, before the app has heard so, has it delivered once`, async ({
    page,
    worker,
    network,
    app,
    outbox,
  }) => {
    await open(page, worker)
    await network.offline()
    const heard = send(page, '/api/notes', { body: 'a', headers })
    await expect.poll(() => outbox.count()).toBe(1)
    await expect.poll(() => page.evaluate(() => caches.has('held'))).toBe(true)
    await worker.stop()
    const receipt = await within(page, heard)
    expect(receipt).toMatchObject({ status: 202 })
    const [stored] = await outbox.list()
    expect([stored?.id, await outbox.count()]).toEqual([receipt?.receipt, 1])

    await network.online()
    await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
    expect(app.arrivals).toHaveLength(1)
  })
}

/** Tells what is the matter instead of waiting for the end of the test. */
function within(page: Page, heard: Promise<Heard | undefined>): Promise<Heard | undefined> {
  const late = page.waitForTimeout(20_000).then(() => Promise.reject(new Error('The app has not heard in 20 s.')))
  return Promise.race([heard, late])
}

/** Runs in the page: keeps a transaction over the queue open, so that every other one that writes waits behind it. */
function occupyTheQueue(): Promise<void> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('holdfast')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const store = opening.result.transaction('dead', 'readwrite').objectStore('dead')
      let isFree = false
      const free = () => {
        isFree = true
      }
      Object.assign(window, { free })
      const again = () => {
        resolve()
        if (isFree) opening.result.close()
        else store.count().onsuccess = again
      }
      again()
    }
  })
}
