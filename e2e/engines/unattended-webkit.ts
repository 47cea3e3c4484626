import { type ChildProcess, spawn } from 'node:child_process'
import { MINIBROWSER_PATH } from '../../scripts/engines.ts'
import { startDisplay } from './display.ts'
import type { EngineBrowser, EngineOptions, Tab } from './engine-browser.ts'
import { startOrders } from './orders.ts'
import { endGroup } from './process-group.ts'
import { webkitEnvironment } from './webkit-environment.ts'

/** Starts MiniBrowser as a person does, with a profile that is kept; the app's page fetches what it shall do. */
export async function startUnattendedWebKit({ profile }: EngineOptions): Promise<EngineBrowser> {
  const display = await startDisplay()
  const orders = await startOrders()
  let browser: ChildProcess | undefined
  const kill = async () => {
    await endGroup(browser?.pid)
    display.end()
    orders.end()
  }
  return {
    async newTab(url) {
      if (browser) return impossible('a second tab')
      const page = new URL(url)
      page.searchParams.set('orders', orders.url)
      browser = spawn(MINIBROWSER_PATH, [page.href], {
        env: webkitEnvironment(profile, display),
        detached: true,
        stdio: 'ignore',
      })
      await orders.give(() => undefined, [])
      return tabOf(orders.give)
    },
    crashWorker: () => impossible('a worker to crash'),
    kill,
    close: kill,
  }
}

function tabOf(give: Awaited<ReturnType<typeof startOrders>>['give']): Tab {
  return {
    goto: () => impossible('another address'),
    reload: () => impossible('a reload'),
    back: () => impossible('a way back'),
    evaluate: (fn, ...args) => give(fn, args),
    close: () => impossible('a tab that closes'),
  }
}

function impossible(what: string): Promise<never> {
  return Promise.reject(new Error(`WebKit with a profile that is kept has no ${what} here.`))
}
