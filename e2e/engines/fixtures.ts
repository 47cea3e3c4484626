import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HoldfastOptions } from 'holdfast'
import { test as base, inject } from 'vitest'
import { type AppServer, startAppServer } from './app-server.ts'
import { type EngineBrowser, type EngineName, type EngineOptions, startEngine, type Tab } from './engine-browser.ts'
import { type Network, startNetwork } from './network.ts'

export { expect } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    engine: EngineName
  }
}

type Start = (options?: Omit<EngineOptions, 'profile'>) => Promise<EngineBrowser>

interface WorkerFixtures {
  /** The browser of all tests. Each has an origin of its own there, and so a database and a worker of its own. */
  browser: EngineBrowser
}

interface TestFixtures {
  server: AppServer
  network: Network
  /** Starts a browser for this test alone, which ends with it; all that a test starts have one profile. */
  start: Start
  /** Opens the app in a new tab of `browser`, which is closed with the test. */
  open: (options?: HoldfastOptions) => Promise<Tab>
}

/** One engine, one small app, and all that a test may do to the network between them. */
export const test = base.extend<{ $worker: WorkerFixtures; $test: TestFixtures }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the fixtures from the pattern.
  browser: [({}, use) => whileStarting(async start => use(await start())), { scope: 'worker' }],
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the fixtures from the pattern.
  server: async ({}, use) => {
    const server = await startAppServer(inject('site'))
    await use(server)
    server.close()
  },
  network: async ({ server }, use) => {
    const network = await startNetwork(server.port)
    await use(network)
    network.close()
  },
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the fixtures from the pattern.
  start: ({}, use) => whileStarting(use),
  open: async ({ browser, network }, use) => {
    const tabs: Tab[] = []
    await use(async options => {
      const tab = await openApp(browser, network, options)
      tabs.push(tab)
      return tab
    })
    for (const tab of tabs) await tab.close().catch(() => undefined)
  },
})

/** Opens the app in a new tab, and waits until its worker is at work if it wants one. */
export async function openApp(browser: EngineBrowser, network: Network, options: HoldfastOptions = {}): Promise<Tab> {
  const tab = await browser.newTab(`${network.url}?options=${encodeURIComponent(JSON.stringify(options))}`)
  if (options.worker !== false) await untilActivated(tab)
  return tab
}

/** `navigator.serviceWorker.ready` comes too soon: the worker may still be `activating`, and requests wait for it. */
export function untilActivated(tab: Tab): Promise<void> {
  return tab.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready
    while (active?.state !== 'activated') await new Promise(resolve => setTimeout(resolve, 20))
  })
}

async function whileStarting(use: (start: Start) => Promise<void>): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), 'holdfast-engine-profile-'))
  const started: EngineBrowser[] = []
  await use(async options => {
    const browser = await startEngine(inject('engine'), { profile, ...options })
    started.push(browser)
    return browser
  })
  await Promise.all(started.map(browser => browser.close()))
  await rm(profile, { recursive: true, force: true, maxRetries: 5 })
}
