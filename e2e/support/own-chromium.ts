import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Browser, chromium, type Page } from '@playwright/test'
import { CHROMIUM_FLAGS, CHROMIUM_PATH } from '../../scripts/chromium.ts'

/** A Chromium that the test started itself, so that it can kill it, with a profile that outlives it. */
export interface OwnChromium {
  page: Page
  browser: Browser
  /** Ends every process of the browser at once with SIGKILL. */
  kill(): Promise<void>
}

const FLAGS = ['--headless=new', '--remote-debugging-port=0', ...CHROMIUM_FLAGS]

export async function startChromium(profile: string, url: string, flags: string[] = []): Promise<OwnChromium> {
  // A process group of its own, so that one signal reaches the renderers and the storage service too.
  const child = spawn(CHROMIUM_PATH, [...FLAGS, ...flags, `--user-data-dir=${profile}`, 'about:blank'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const browser = await chromium.connectOverCDP(await debuggingUrl(child))
  const context = browser.contexts()[0] ?? (await browser.newContext())
  const page = context.pages()[0] ?? (await context.newPage())
  await page.goto(url)
  return {
    page,
    browser,
    async kill() {
      const gone = once(child, 'exit')
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await gone
    },
  }
}

async function debuggingUrl({ stderr }: ChildProcess): Promise<string> {
  let said = ''
  for await (const chunk of stderr ?? []) {
    said += String(chunk)
    const url = /ws:\/\/\S+/.exec(said)?.[0]
    if (url) return url
  }
  throw new Error(`Chromium did not start: ${said}`)
}
