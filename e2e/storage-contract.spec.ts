import { expect, type Page, test } from '@playwright/test'
import { localforageContract } from '../src/storage/localforage.contract.ts'
import type {} from './storage-contract/page.ts'
import type { DriverUnderTest } from './storage-contract/run-contract.ts'
import { serveContract } from './storage-contract/serve.ts'

const CASES = localforageContract.length
const DRIVERS: DriverUnderTest[] = ['localforage', 'holdfast']

let origin: string
let close: () => void

test.beforeAll(async () => {
  ;({ origin, close } = await serveContract())
})

test.afterAll(() => close())

test.beforeEach(({ page }) => page.goto(origin))

for (const driver of DRIVERS) {
  const all = { passed: CASES, failed: [] }

  test(`the driver of ${driver} keeps localforage's contract in a page`, async ({ page }) => {
    expect(await page.evaluate(driver => storageContract.runContract(driver), driver)).toEqual(all)
  })

  test(`the driver of ${driver} keeps localforage's contract in a worker`, async ({ page }) => {
    expect(await page.evaluate(driver => storageContract.inWorker(driver), driver)).toEqual(all)
  })

  test(`the driver of ${driver} keeps localforage's contract in a service worker`, async ({ page }) => {
    expect(await page.evaluate(driver => storageContract.inServiceWorker(driver), driver)).toEqual(all)
  })

  // The plugin leaves out of localforage what our driver has no use for.
  test(`the driver of ${driver} keeps localforage's contract in the worker that the plugin builds`, async ({
    page,
  }) => {
    const inPlugins = page.evaluate(driver => storageContract.inServiceWorker(driver, '/plugin-worker.js'), driver)
    expect(await inPlugins).toEqual(all)
  })
}

test('a person reads the queue with plain localforage, and the database is not upgraded', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const storage = await storageContract.openStorage({ name: 'holdfast' })
    await storage.mutations.setItem('0001', { id: 'a' })
    const queue = storageContract.localforage.createInstance({ name: 'holdfast', storeName: 'mutations' })
    const blobs = storageContract.localforage.createInstance({ name: 'holdfast', storeName: 'blobs' })
    await blobs.setItem('b', new Blob(['words'], { type: 'text/plain' }))
    await storage.mutations.setItem('0002', { id: 'b' })
    const blob = await storage.blobs.getItem<Blob>('b')
    return {
      items: [await queue.getItem('0001'), await queue.getItem('0002')],
      blob: [blob?.type, await blob?.text()],
      databases: await indexedDB.databases(),
    }
  })
  expect(seen).toEqual({
    items: [{ id: 'a' }, { id: 'b' }],
    blob: ['text/plain', 'words'],
    databases: [{ name: 'holdfast', version: 1 }],
  })
})

test('storage that the browser takes away is opened again at the next use', async ({ page }) => {
  await page.evaluate(async () => {
    const storage = await storageContract.openStorage({ name: 'holdfast' })
    await storage.meta.setItem('a', 1)
    Object.assign(globalThis, { storage })
  })
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' })
  expect(await writeAndCount(page)).toBe(1)
})

test('another tab may delete the database while this one holds it open', async ({ page, context }) => {
  await page.evaluate(async () => {
    const storage = await storageContract.openStorage({ name: 'holdfast' })
    await storage.meta.setItem('a', 1)
    Object.assign(globalThis, { storage })
  })
  const other = await context.newPage()
  await other.goto(origin)
  await other.evaluate(async () => {
    const storage = await storageContract.openStorage({ name: 'holdfast' })
    await storage.meta.dropInstance({ name: 'holdfast' })
  })
  expect(await writeAndCount(page)).toBe(1)
})

test('a write beyond the quota rejects with quota-exceeded, and nothing of it is kept', async ({ page }) => {
  const devtools = await page.context().newCDPSession(page)
  // Chromium keeps for a while what it knows of the space that is left: the quota comes before the first write.
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 2_000_000 })
  const seen = await page.evaluate(async () => {
    const storage = await storageContract.openStorage({ name: 'holdfast' })
    const large = crypto.getRandomValues(new Uint8Array(65_536))
    const entries = Array.from({ length: 100 }, (_, index) => [`k${index}`, large.slice()] as const)
    const error = await storage.records.setItems(entries).catch(cause => cause)
    return { code: error?.code, cause: error?.cause?.name, left: await storage.records.count() }
  })
  expect(seen).toEqual({ code: 'quota-exceeded', cause: 'QuotaExceededError', left: 0 })
})

function writeAndCount(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { storage } = globalThis as unknown as { storage: Awaited<ReturnType<typeof storageContract.openStorage>> }
    await storage.meta.setItem('b', 2)
    return storage.meta.count()
  })
}
