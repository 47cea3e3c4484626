import type { BrowserContext, Page } from '@playwright/test'
import { expect, test } from './support/two-versions.ts'

test('an old page writes, and the new worker that took over delivers', async ({
  page,
  context,
  worker,
  app,
  outbox,
  deploy,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await deploy(2)
  const next = await openNewVersion(context)
  await takeOver(next)
  const senders = sendersIn(context)
  await write(page, '/old-page')
  await expect.poll(() => outbox.count()).toBe(0)
  expect(app.arrivals.map(({ url }) => url)).toEqual(['/old-page'])
  expect(senders).toEqual(['worker'])
})

test('a new page writes while the old worker is still there: the old one steps back, and the page delivers what both wrote', async ({
  page,
  context,
  worker,
  app,
  outbox,
  deploy,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await deploy(2)
  const next = await openNewVersion(context)
  await newWorkerWaits(next)
  const senders = sendersIn(context)
  await write(next, '/new-page')
  await write(page, '/old-page')
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect(app.arrivals.map(({ url }) => url).sort()).toEqual(['/new-page', '/old-page'])
  expect(new Set(senders)).toEqual(new Set(['page']))
})

test('what the old version recorded offline is read and delivered by the new', async ({
  page,
  worker,
  app,
  outbox,
  deploy,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await page.evaluate(() => window.hf.pause())
  await write(page, '/recorded-by-the-old')
  await deploy(2)
  await page.goto('about:blank')
  const next = await openNewVersion(page.context())
  await next.evaluate(() => window.hf.resume())
  await expect.poll(() => outbox.count()).toBe(0)
  expect(app.arrivals.map(({ url }) => url)).toEqual(['/recorded-by-the-old'])
})

/** The old worker answers from its precache, so the page is taken from the server. */
async function openNewVersion(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  await page.goto('/index.html?none')
  const session = await context.newCDPSession(page)
  await session.send('Network.enable')
  await session.send('Network.setBypassServiceWorker', { bypass: true })
  await page.goto('/')
  await session.send('Network.setBypassServiceWorker', { bypass: false })
  return page
}

async function newWorkerWaits(page: Page): Promise<void> {
  const isWaiting = async () => (await navigator.serviceWorker.getRegistration())?.waiting != null
  await expect.poll(() => page.evaluate(isWaiting)).toBe(true)
}

async function takeOver(page: Page): Promise<void> {
  await newWorkerWaits(page)
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration()
    const coming = registration?.waiting
    if (!coming) throw new Error('No new worker waits.')
    const active = new Promise<void>(resolve => {
      coming.addEventListener('statechange', () => coming.state === 'activated' && resolve())
    })
    coming.postMessage({ type: 'SKIP_WAITING' })
    await active
  })
}

/** Who sends each write from now on. */
function sendersIn(context: BrowserContext): string[] {
  const senders: string[] = []
  context.on('request', request => {
    if (request.method() === 'POST') senders.push(request.serviceWorker() ? 'worker' : 'page')
  })
  return senders
}

async function write(page: Page, url: string): Promise<void> {
  await page.evaluate(async url => void (await window.hf.mutate({ url, json: 1 })), url)
}
