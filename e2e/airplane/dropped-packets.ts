import assert from 'node:assert/strict'
import { type AppPage, openApp } from './app-page.ts'
import { assertFromWorker, delivered, FIVE_NOTES } from './delivery.ts'
import type { Stage } from './stage.ts'
import { keepSyncLog, sawSyncEvent } from './sync-log.ts'
import { until } from './until.ts'

/** Recording needs no network, and a write takes milliseconds; this is what a busy machine may take. */
const AT_ONCE_MS = 1_000

/** Longer than a worker may take for a message, so that the page's word alone does not get the notes through. */
const OUTAGE_MS = 25_000

/** TCP asks again after 1, 2, 4, 8, 16 seconds: what hangs goes on late after a long silence. */
const RECOVERY_MS = 60_000

export async function droppedPacketsWithATabOpen({ network, server, startBrowser, tell }: Stage): Promise<void> {
  const page = await openApp(startBrowser(), server.origin)
  network.dropPackets()
  tell(`the slowest write was recorded in ${await writeAtOnce(page)} ms`)
  const gaveUp = async () => (await page.waiting()).some(({ lastError }) => lastError?.code === 'timeout')
  tell(`an attempt was given up after ${await until('an attempt is given up', gaveUp, { withinMs: 60_000 })} ms`)
  const waiting = await page.waiting()
  assert.equal(waiting.length, FIVE_NOTES.length)
  assert.deepEqual(new Set(waiting.map(({ attempts }) => attempts)), new Set([0]))
  assert.deepEqual(server.arrivals, [])

  network.passPackets()
  tell(`delivered ${await delivered(server, FIVE_NOTES, RECOVERY_MS)} ms after packets passed again`)
  await until('the outbox is empty', async () => (await page.status()).pending === 0)
  assert.equal((await page.status()).dead, 0)
}

export async function droppedPacketsWithNoTabOpen({ network, server, startBrowser, tell }: Stage): Promise<void> {
  const browser = startBrowser()
  const page = await openApp(browser, server.origin)
  await keepSyncLog(page)
  network.dropPackets()
  tell(`the slowest write was recorded in ${await writeAtOnce(page)} ms`)
  await page.close()
  assert.deepEqual(await browser.tabs(), [])
  await new Promise(resolve => setTimeout(resolve, OUTAGE_MS))
  assert.deepEqual(server.arrivals, [])

  network.passPackets()
  tell(`delivered ${await delivered(server, FIVE_NOTES, RECOVERY_MS)} ms after packets passed again`)
  assert.deepEqual(await browser.tabs(), [])
  assertFromWorker(server)
  await sawSyncEvent(browser)
}

/** Gives how long the slowest write took, in milliseconds. */
async function writeAtOnce(page: AppPage): Promise<number> {
  // The browser does not know that nothing arrives.
  assert.equal(await page.evaluate(() => navigator.onLine), true)
  const slowestMs = await page.write(FIVE_NOTES)
  assert.ok(slowestMs < AT_ONCE_MS, `a write took ${slowestMs} ms`)
  assert.equal((await page.waiting()).length, FIVE_NOTES.length)
  return slowestMs
}
