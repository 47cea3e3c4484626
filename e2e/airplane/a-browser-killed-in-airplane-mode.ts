import assert from 'node:assert/strict'
import { openApp } from './app-page.ts'
import { assertFromWorker, assertNoneTwice, delivered, FIVE_NOTES } from './delivery.ts'
import type { Stage } from './stage.ts'
import { until } from './until.ts'

export async function aBrowserKilledInAirplaneMode({ network, server, startBrowser, tell }: Stage): Promise<void> {
  const first = startBrowser()
  const page = await openApp(first, server.origin)
  network.down()
  await until('Holdfast knows', async () => !(await page.status()).online)
  await page.write(FIVE_NOTES)
  await first.kill()
  assert.deepEqual(server.arrivals, [])

  network.up()
  const second = startBrowser()
  tell(`delivered ${await delivered(server, FIVE_NOTES)} ms after the browser was started again`)
  assert.deepEqual(await second.tabs(), [])
  assertNoneTwice(server)
  assertFromWorker(server)
}
