import type { Browser } from 'puppeteer-core'
import { freeze, openTab, type Page, startBareChromium, thaw } from './support/bare-chromium.ts'
import { effectsOf } from './support/effects.ts'
import { test as base, expect, pageWith } from './support/small-app.ts'

const test = base.extend<{ chromium: Browser }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
  chromium: async ({}, use) => {
    const browser = await startBareChromium()
    await use(browser)
    await browser.close()
  },
})

const PAGE = pageWith({ worker: false }).slice(1)

test('a frozen tab leads no more at once; when it thaws it follows, sees every change, and what it writes arrives', async ({
  chromium,
  app,
}) => {
  const first = await openTab(chromium, `${app.url}${PAGE}`)
  await expect.poll(() => leads(first)).toBe(true)
  const second = await openTab(chromium, `${app.url}${PAGE}`)
  const frozenAt = performance.now()
  await freeze(first, second)
  await expect.poll(() => leads(second), { intervals: [5] }).toBe(true)
  console.log(`frozen: another tab led ${(performance.now() - frozenAt).toFixed(0)} ms after`)
  await write(second, '/while-frozen')
  await expect.poll(() => effectsOf(app)).toEqual(['/while-frozen'])

  await thaw(first)
  await write(first, '/thawed')
  await expect.poll(() => effectsOf(app)).toEqual(['/while-frozen', '/thawed'])
  await expect.poll(() => pending(first)).toBe(0)
  expect([await leads(first), await leads(second)]).toEqual([false, true])
})

test('a tab in the back-forward cache leads no more, stays there whatever the others do, and follows when it is back', async ({
  chromium,
  app,
}) => {
  const first = await openTab(chromium, `${app.url}${PAGE}`)
  await expect.poll(() => leads(first)).toBe(true)
  await first.evaluate(() => Object.assign(window, { isTheSame: true }))
  const second = await openTab(chromium, `${app.url}${PAGE}`)
  await first.goto('about:blank')
  await expect.poll(() => leads(second)).toBe(true)
  await write(second, '/meanwhile')
  await expect.poll(() => effectsOf(app)).toEqual(['/meanwhile'])

  await first.goBack()
  expect(await first.evaluate(() => 'isTheSame' in window)).toBe(true)
  await write(first, '/back')
  await expect.poll(() => effectsOf(app)).toEqual(['/meanwhile', '/back'])
  await write(second, '/told')
  await expect.poll(() => pending(first)).toBe(0)
  expect([await leads(first), await leads(second)]).toEqual([false, true])
})

function leads(tab: Page): Promise<boolean> {
  return tab.evaluate(() => window.hf.status.get().leader)
}

function pending(tab: Page): Promise<number> {
  return tab.evaluate(() => window.hf.status.get().pending)
}

async function write(tab: Page, url: string): Promise<void> {
  await tab.evaluate(async url => void (await window.hf.mutate({ url, json: 1 })), url)
}
