import { ok } from './app-server.ts'
import { expect, test } from './fixtures.ts'
import { numbers, write } from './writes.ts'

/**
 * A page's requests wait while its worker is `activating` (Service Workers, Handle Fetch). The worker's look
 * at the queue must not be a part of that: it may wait for the drain lock, which this page holds, for a request.
 */
test('a worker that becomes active while a page sends keeps no request of that page waiting', async ({
  open,
  server,
}) => {
  const written = createGate()
  server.hold('/sw.js', written.opened)
  const tab = await open({ worker: false })
  const answered = createGate()
  server.answer(async (arrival, response) => {
    written.open()
    await answered.opened
    ok(arrival, response)
  })
  await write(tab, numbers(1))
  await expect.poll(() => tab.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)
  const answer = tab.evaluate(async () => {
    const { status } = await fetch('/', { signal: AbortSignal.timeout(5_000) })
    return status
  })
  await answer.finally(answered.open)
  expect(await answer).toBe(200)
})

function createGate() {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open: () => open() }
}
