import { test as base, type Fixtures, type PlaywrightTestArgs } from '@playwright/test'
import { namesOf } from '../protocol/names.ts'
import { createNetwork, type NetworkFixture } from './network.ts'
import { createOutboxReader, type OutboxFixture } from './outbox.ts'
import { createTabsControl, type TabsFixture } from './tabs.ts'
import { createWorkerControl, type WorkerFixture } from './worker.ts'

export { expect } from '@playwright/test'

/** What a test of an app with Holdfast needs besides a page. */
export interface HoldfastFixtures {
  /** The name given to `createHoldfast()`; set it with `test.use({ holdfastName: 'my-app' })`. Default `holdfast`. */
  holdfastName: string
  /** Opens several tabs, knows which one leads, and crashes one as a browser may. */
  tabs: TabsFixture
  /** Takes the browser offline and online again, its service workers included. */
  network: NetworkFixture
  /** Reads the outbox from the database, without asking the app. */
  outbox: OutboxFixture
  /** Waits for the service worker, and stops it as a browser may do at any time. */
  worker: WorkerFixture
}

/** The fixtures, for a `test` of your own: `const test = base.extend(holdfastFixtures)`. */
export const holdfastFixtures: Fixtures<HoldfastFixtures, object, PlaywrightTestArgs> = {
  holdfastName: ['holdfast', { option: true }],
  network: ({ context }, use) => use(createNetwork(context)),
  outbox: ({ context, holdfastName }, use) => use(createOutboxReader(context, holdfastName)),
  tabs: ({ context, holdfastName }, use) => use(createTabsControl(context, namesOf(holdfastName).tabs)),
  worker: ({ context }, use) => use(createWorkerControl(context)),
}

/**
 * Playwright's `test` with the fixtures of Holdfast. Only Chromium can be taken offline and have its worker stopped.
 *
 * @example
 * test('keeps a note that was written offline', async ({ page, network, outbox, worker }) => {
 *   await page.goto('/')
 *   await worker.ready(page)
 *   await network.offline()
 *   await page.getByRole('textbox').fill('Low tide at noon')
 *   await page.getByRole('button', { name: 'Add' }).click()
 *   await expect.poll(() => outbox.count()).toBe(1)
 *   await network.online()
 *   await expect.poll(() => outbox.count()).toBe(0)
 * })
 */
export const test = base.extend<HoldfastFixtures>(holdfastFixtures)
