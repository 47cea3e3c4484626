import { setTimeout as sleep } from 'node:timers/promises'
import { ok } from './app-server.ts'
import { expect, test } from './fixtures.ts'
import { done, numbers, upTo, waiting, write } from './writes.ts'

for (const worker of [undefined, false] as const) {
  const sender = worker === false ? 'without a worker' : 'with a worker'

  test(`one of two tabs, ${sender}, is closed in the middle of a drain: nothing is lost or done twice`, async ({
    open,
    server,
  }) => {
    server.answer(async (arrival, response) => {
      await sleep(200)
      ok(arrival, response)
    })
    const options = worker === false ? { worker } : {}
    const [writer, other] = [await open(options), await open(options)]
    await write(writer, numbers(20))
    console.log('WRITTEN', Date.now() % 1e6)
    await expect.poll(() => server.arrivals.length).toBeGreaterThan(5)
    await writer.close()
    const since = Date.now()

    await expect.poll(() => waiting(other)).toBe(0)
    console.log(`all were done ${((Date.now() - since) / 1000).toFixed(1)} s after the tab was closed`)
    expect([...done(server.arrivals)].sort((a, b) => Number(a) - Number(b))).toEqual(upTo(20))
    // Only what was on its way from the closed tab itself may come again, under its key.
    if (worker === undefined) expect(server.arrivals).toHaveLength(20)
  })
}
