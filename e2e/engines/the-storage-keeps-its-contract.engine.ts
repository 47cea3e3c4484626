import { inject } from 'vitest'
import { localforageContract } from '../../src/storage/localforage.contract.ts'
import type {} from '../storage-contract/page.ts'
import { serveContract } from '../storage-contract/serve.ts'
import { expect, test } from './fixtures.ts'

/** An ephemeral session of WebKit, as its driver opens, gives no Blobs back. The outbox stores bytes. */
const KNOWN = inject('engine') === 'webkit' ? ['a Blob comes back as a Blob: expected true, but got false'] : []

const EXPECTED = { passed: localforageContract.length - KNOWN.length, failed: KNOWN }

test('the driver keeps the contract of localforage in a service worker', async ({ browser }) => {
  const { origin, close } = await serveContract()
  const tab = await browser.newTab(origin)
  expect(await tab.evaluate(() => storageContract.inServiceWorker('holdfast'))).toEqual(EXPECTED)
  await tab.close()
  close()
})
