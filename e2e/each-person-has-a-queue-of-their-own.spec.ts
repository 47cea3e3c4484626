import type { Page } from '@playwright/test'
import { expect, test } from './support/small-app.ts'

test('what one person wrote waits for them while another one uses the app, and their entities do not wait for each other', async ({
  page,
  context,
  network,
  worker,
  app,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await page.evaluate(() => window.hf.identify('ada'))
  await network.offline()
  await write(page, ['/ada/1', '/ada/2'])
  await expect.poll(() => seenBy(page)).toEqual({ urls: ['/ada/1', '/ada/2'], pending: 2 })

  await page.evaluate(() => window.hf.identify('bo'))
  await expect.poll(() => seenBy(page)).toEqual({ urls: [], pending: 0 })
  await write(page, ['/bo/1', '/bo/2'])
  await expect.poll(() => seenBy(page)).toEqual({ urls: ['/bo/1', '/bo/2'], pending: 2 })

  await network.online()
  await expect.poll(() => urls(app.arrivals)).toEqual(['/bo/1', '/bo/2'])
  await page.evaluate(() => window.hf.sync())
  expect(urls(app.arrivals)).toEqual(['/bo/1', '/bo/2'])
  await expect.poll(() => seenBy(page)).toEqual({ urls: [], pending: 0 })

  const other = await context.newPage()
  await other.goto('/')
  expect(await seenBy(other)).toEqual({ urls: [], pending: 0 })
  await other.evaluate(() => window.hf.identify('ada'))
  await expect.poll(() => urls(app.arrivals)).toEqual(['/bo/1', '/bo/2', '/ada/1', '/ada/2'])
  await expect.poll(() => other.evaluate(() => window.hf.status.get().state)).toBe('idle')
})

function write(page: Page, urls: string[]): Promise<void> {
  return page.evaluate(async urls => {
    for (const url of urls) await window.hf.mutate({ url, entity: 'note:1', json: {} })
  }, urls)
}

async function seenBy(page: Page): Promise<{ urls: string[]; pending: number }> {
  const entries = await page.evaluate(() => window.hf.outbox.list())
  const pending = await page.evaluate(() => window.hf.status.get().pending)
  return { urls: entries.map(({ url }) => new URL(url).pathname), pending }
}

function urls(arrivals: { url: string }[]): string[] {
  return arrivals.map(({ url }) => url)
}
