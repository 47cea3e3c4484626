import assert from 'node:assert/strict'
import { openApp } from './app-page.ts'
import type { Chromium } from './chromium.ts'
import { assertFromWorker, assertNoneTwice, delivered, FIVE_NOTES } from './delivery.ts'
import type { Stage } from './stage.ts'
import { keepSyncLog, sawSyncEvent } from './sync-log.ts'
import { until } from './until.ts'

/**
 * A page learns at once that the link is down. Chromium's Background Sync learns of it when it has been down for 1.5 s, so
 * that short gaps are none: until then it gives `sync` events in vain, and puts the tag off for five minutes.
 */
const KNOWN_TO_ALL_MS = 3_000

export async function airplaneModeWithNoTabOpen(stage: Stage): Promise<void> {
  const { browser, upAt } = await writeDown(stage, KNOWN_TO_ALL_MS)
  await sawSyncEvent(browser, upAt)
}

export async function writtenAsTheLinkIsLost(stage: Stage): Promise<void> {
  const { browser } = await writeDown(stage, 0)
  await sawSyncEvent(browser)
}

interface Written {
  browser: Chromium
  /** When the link came up. Milliseconds since the epoch. */
  upAt: number
}

/** The notes are written that long after the page knows that the link is down. */
async function writeDown({ network, server, startBrowser, tell }: Stage, downForMs: number): Promise<Written> {
  const browser = startBrowser()
  const page = await openApp(browser, server.origin)
  await keepSyncLog(page)

  network.down()
  await until('the page knows', async () => !(await page.evaluate(() => navigator.onLine)))
  await until('Holdfast knows', async () => !(await page.status()).online)
  await new Promise(resolve => setTimeout(resolve, downForMs))
  await page.write(FIVE_NOTES)
  await page.close()
  assert.deepEqual(await browser.tabs(), [])
  assert.deepEqual(server.arrivals, [])

  const upAt = Date.now()
  network.up()
  tell(`delivered ${await delivered(server, FIVE_NOTES)} ms after the link came up`)
  assert.deepEqual(await browser.tabs(), [])
  assertNoneTwice(server)
  assertFromWorker(server)
  return { browser, upAt }
}
