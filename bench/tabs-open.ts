import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright'
import type { BenchPage } from './browser.ts'
import type { TabsPage } from './tabs-page/page.ts'

/** Longer than whatever is measured: what takes so long does not happen. */
const PATIENCE_MS = 30_000

/** One tab of the bench's app, which does nothing by itself. */
export interface Tab {
  page: Page
  call<Name extends keyof TabsPage>(
    method: Name,
    ...args: Parameters<TabsPage[Name]>
  ): Promise<Awaited<ReturnType<TabsPage[Name]>>>
}

export interface OpenOptions {
  count: number
  /** Whether the tabs have Web Locks. */
  locks?: boolean
  /** Whether their requests pass through the service worker. */
  worker?: boolean
}

/** Opens tabs, gives them to `use`, and closes them whatever comes of it. */
export async function withTabs<T>(
  opened: BenchPage,
  options: OpenOptions,
  use: (tabs: Tab[]) => Promise<T>,
): Promise<T> {
  const tabs: Tab[] = []
  try {
    for (let index = 0; index < options.count; index += 1) tabs.push(await openTab(opened, options))
    return await use(tabs)
  } finally {
    await Promise.all(tabs.map(({ page }) => page.close()))
  }
}

async function openTab({ context, origin }: BenchPage, { locks = true, worker = true }: OpenOptions): Promise<Tab> {
  const page = await context.newPage()
  // `'locks' in navigator` must be false, as where there are none.
  if (!locks) await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'locks'))
  if (!worker) {
    const session = await context.newCDPSession(page)
    await session.send('Network.enable')
    await session.send('Network.setBypassServiceWorker', { bypass: true })
  }
  await page.goto(origin)
  if (!locks && (await page.evaluate(() => 'locks' in navigator))) throw new Error('This tab has Web Locks.')
  return { page, call: (method, ...args) => withinPatience(method, call(page, method, args)) }
}

function call<Name extends keyof TabsPage>(page: Page, method: Name, args: Parameters<TabsPage[Name]>) {
  const result: Promise<unknown> = page.evaluate(
    ([name, rest]) => (window.tabsBench[name] as (...of: unknown[]) => unknown)(...rest),
    [method, args] as const,
  )
  return result as Promise<Awaited<ReturnType<TabsPage[Name]>>>
}

async function withinPatience<T>(what: string, work: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const tooLong = sleep(PATIENCE_MS, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what} took longer than ${PATIENCE_MS / 1000} s.`)
  })
  try {
    return await Promise.race([work, tooLong])
  } finally {
    timer.abort()
    tooLong.catch(() => undefined)
  }
}
