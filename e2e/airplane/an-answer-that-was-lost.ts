import assert from 'node:assert/strict'
import { openApp } from './app-page.ts'
import { delivered } from './delivery.ts'
import type { Stage } from './stage.ts'
import { until } from './until.ts'

/** Nobody tells the browser that the answer was lost: the request hangs until the attempt has had its time. */
const GIVEN_UP_WITHIN_MS = 60_000

export async function anAnswerThatWasLost({ network, server, startBrowser, tell }: Stage): Promise<void> {
  const page = await openApp(startBrowser(), server.origin)
  const note = { entity: 'tide', text: 'Low tide at noon' }
  const held = server.holdAnswer()
  await page.write([note])
  await until('the server has done it', held.isDone)
  network.down()
  held.answerOnceOnly()
  await until('the page knows', async () => !(await page.evaluate(() => navigator.onLine)))
  assert.equal((await page.status()).pending, 1)

  network.up()
  const isConfirmed = async () => (await page.status()).pending === 0
  tell(
    `confirmed ${await until('it is confirmed', isConfirmed, { withinMs: GIVEN_UP_WITHIN_MS })} ms after the link came up`,
  )
  await delivered(server, [note])
  const keys = server.arrivals.map(({ key }) => key)
  assert.ok(keys.length > 1, 'it was sent again')
  assert.equal(new Set(keys).size, 1)
  assert.equal(server.notes.length, 1)
}
