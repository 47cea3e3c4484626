import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { holdfast } from 'holdfast/vite'
import { build, preview } from 'vite'
import { expect, test } from './support/mode-app.ts'

const APP = {
  'index.html': '<!doctype html><title>Yesterday</title><script type="module" src="/main.js"></script>',
  'main.js': "document.title += ', with its script'",
}

/** What was registered yesterday is kept by the browser for the origin, so the port has to be the same. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await new Promise(resolve => server.once('listening', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

async function expectNoWorker(page: Page): Promise<void> {
  const look = () =>
    page.evaluate(async () => ({
      registrations: (await navigator.serviceWorker.getRegistrations()).length,
      controlled: navigator.serviceWorker.controller !== null,
      caches: await caches.keys(),
    }))
  // The page may be loaded anew while it is looked at.
  await expect
    .poll(() => look().catch(() => undefined))
    .toEqual({
      registrations: 0,
      controlled: false,
      caches: ['of-another'],
    })
}

test('a page of today takes away the worker of yesterday, and goes on without it', async ({
  page,
  worker,
  makeApp,
  startDev,
}) => {
  const root = await makeApp(APP)
  const port = await freePort()
  const first = await startDev({ root, plugins: [holdfast()], server: { port } })
  await page.goto(first.url)
  await worker.ready(page)
  await page.evaluate(() => caches.open('of-another'))
  await page.goto('about:blank')
  await first.close()

  const second = await startDev({ root, plugins: [holdfast({ dev: false })], server: { port } })
  await page.goto(second.url)
  await expectNoWorker(page)
  await expect(page).toHaveTitle('Yesterday, with its script')
})

test("a page that yesterday's worker still answers from its files is loaded anew", async ({
  page,
  worker,
  makeApp,
  startDev,
}) => {
  const root = await makeApp(APP)
  const port = await freePort()
  await build({ root, configFile: false, logLevel: 'error', plugins: [holdfast()] })
  const built = await preview({ root, configFile: false, logLevel: 'error', preview: { port, host: 'localhost' } })
  await page.goto(`http://localhost:${port}/`)
  await worker.ready(page)
  await page.evaluate(() => caches.open('of-another'))
  await page.goto('about:blank')
  await built.close()

  const today = join(await makeApp({ ...APP, 'index.html': APP['index.html'].replace('Yesterday', 'Today') }))
  await startDev({ root: today, plugins: [holdfast({ dev: false, register: false })], server: { port } })
  await page.goto(`http://localhost:${port}/`)
  await expect(page).toHaveTitle('Today, with its script', { timeout: 30_000 })
  await expectNoWorker(page)
})

test('a worker of another name in the same scope stays', async ({ page, makeApp, startDev }) => {
  const root = await makeApp({ ...APP, 'public/mockServiceWorker.js': 'self.addEventListener("fetch", () => {})' })
  const site = await startDev({ root, plugins: [holdfast({ dev: false })] })
  await page.goto(site.url)
  await page.evaluate(async () => {
    await navigator.serviceWorker.register('/mockServiceWorker.js')
    await navigator.serviceWorker.ready
  })
  for (const _ of [1, 2]) {
    await page.reload({ waitUntil: 'networkidle' })
    const url = await page.evaluate(() => navigator.serviceWorker.controller?.scriptURL)
    expect(url).toBe(`${site.url}mockServiceWorker.js`)
  }
})
