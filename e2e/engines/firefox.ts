import { setTimeout as sleep } from 'node:timers/promises'
import puppeteer, { type Page } from 'puppeteer-core'
import { FIREFOX_PATH } from '../../scripts/engines.ts'
import type { EngineBrowser, EngineOptions, Tab } from './engine-browser.ts'
import { endGroup, membersOf } from './process-group.ts'

/** Starts the stock Firefox, driven over WebDriver BiDi. */
export async function startFirefox({ profile, workerIdleMs }: EngineOptions): Promise<EngineBrowser> {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX_PATH,
    headless: true,
    userDataDir: profile,
    protocolTimeout: 30_000,
    extraPrefsFirefox: { ...STOCK, ...(workerIdleMs !== undefined && idlePrefs(workerIdleMs)) },
  })
  const leader = browser.process()?.pid
  return {
    async newTab(url) {
      const page = await browser.newPage()
      await page.goto(url)
      return tabOf(page)
    },
    async crashWorker() {
      const worker = membersOf(leader).find(({ threads }) => threads.includes('DOM Worker'))
      if (!worker) throw new Error('No process of Firefox runs a worker.')
      process.kill(worker.pid, 'SIGKILL')
    },
    kill: () => endGroup(leader),
    async close() {
      await Promise.race([browser.close().catch(() => undefined), sleep(5_000, undefined, { ref: false })])
      await endGroup(leader)
    },
  }
}

/** What Puppeteer turns off: a process for each site, and so one for the service worker. */
const STOCK = { 'fission.autostart': true, 'fission.webContentIsolationStrategy': 1 }

/** By default 30 s, and 30 s more for a worker that has work left. */
function idlePrefs(idleMs: number) {
  return { 'dom.serviceWorkers.idle_timeout': idleMs, 'dom.serviceWorkers.idle_extended_timeout': idleMs }
}

function tabOf(page: Page): Tab {
  return {
    goto: async url => void (await page.goto(url)),
    reload: async () => void (await page.reload()),
    // Puppeteer's own goBack() waits for a load, which a page from the back-forward cache does not have.
    back: () => page.evaluate(() => history.back()),
    // Puppeteer's type unwraps handles, of which there are none here.
    evaluate: (fn, ...args) => page.evaluate(fn as (...given: unknown[]) => unknown, ...args) as Promise<never>,
    close: () => page.close(),
  }
}
