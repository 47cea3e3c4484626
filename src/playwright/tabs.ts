import type { BrowserContext, Page } from '@playwright/test'

export interface TabsFixture {
  /** Opens so many tabs at that address, and gives them when they are loaded. */
  open(url: string, count?: number): Promise<Page[]>
  /** The tab that leads, found by the Web Lock that it holds; undefined while there is none. */
  leader(): Promise<Page | undefined>
  /** Ends the tab's process at once, as when it runs out of memory. No event is dispatched in it. Chromium only. */
  crash(page: Page): Promise<void>
}

export function createTabsControl(context: BrowserContext, lockName: string): TabsFixture {
  return {
    async open(url, count = 1) {
      const opened: Page[] = []
      for (let number = 0; number < count; number += 1) {
        const page = await context.newPage()
        await page.goto(url)
        opened.push(page)
      }
      return opened
    },

    async leader() {
      for (const page of context.pages()) {
        if (await page.evaluate(holdsLock, lockName).catch(() => false)) return page
      }
      return undefined
    },

    async crash(page) {
      const session = await context.newCDPSession(page)
      const crashed = new Promise<void>(resolve => page.once('crash', () => resolve()))
      // Never answered: there is nobody any more.
      session.send('Page.crash').catch(() => undefined)
      await crashed
    },
  }
}

/** Runs in the page. A page does not know its own client id, so it looks which one holds a lock that only it can have. */
async function holdsLock(lockName: string): Promise<boolean> {
  const mine = `${lockName}:${crypto.randomUUID()}`
  return navigator.locks.request(mine, async () => {
    const { held = [] } = await navigator.locks.query()
    const clientOf = (name: string) => held.find(lock => lock.name === name)?.clientId
    return clientOf(lockName) !== undefined && clientOf(lockName) === clientOf(mine)
  })
}
