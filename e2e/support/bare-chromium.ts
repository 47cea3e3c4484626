import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import { CHROMIUM_FLAGS, CHROMIUM_PATH } from '../../scripts/chromium.ts'

export type { Page } from 'puppeteer-core'

/**
 * A Chromium whose tabs are hidden, frozen and kept in the back-forward cache as a person's are. Playwright makes every
 * page believe that it has the focus, and turns that cache off.
 */
export async function startBareChromium(): Promise<Browser> {
  return puppeteer.launch({ executablePath: CHROMIUM_PATH, headless: true, args: CHROMIUM_FLAGS })
}

export async function openTab(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(url)
  return page
}

/** Freezes a tab, as the browser does with tabs in the background: only a hidden one can be frozen. */
export async function freeze(page: Page, other: Page): Promise<void> {
  await other.bringToFront()
  await page.waitForFunction(() => document.visibilityState === 'hidden', { polling: 20 })
  await setState(page, 'frozen')
}

export async function thaw(page: Page): Promise<void> {
  await setState(page, 'active')
}

async function setState(page: Page, state: 'frozen' | 'active'): Promise<void> {
  // It stays attached: to detach would wake the page.
  const session = await page.createCDPSession()
  await session.send('Page.setWebLifecycleState', { state })
}
