import { expect, test, untilActivated } from './fixtures.ts'
import { numbers, upTo, waiting, write } from './writes.ts'

for (const worker of [undefined, false] as const) {
  const sender = worker === false ? 'a page without a worker' : 'the worker'

  test(`writes made offline outlive a reload, and ${sender} delivers them when the server is back, by nobody's hand`, async ({
    open,
    network,
    server,
  }) => {
    const options = worker === false ? { worker } : {}
    const tab = await open(options)
    // The app has to load offline, also where its own pages do not use the worker.
    if (worker === false) await untilActivated(tab)
    await network.offline()
    await write(tab, numbers(5))
    await tab.reload()
    expect(await waiting(tab)).toBe(5)
    expect(server.arrivals).toEqual([])

    await network.online()
    const since = Date.now()
    await expect.poll(() => server.arrivals.length).toBe(5)
    console.log(`all five arrived ${((Date.now() - since) / 1000).toFixed(1)} s after the server was back`)
    await expect.poll(() => waiting(tab)).toBe(0)
    expect(server.arrivals.map(({ json }) => json).sort()).toEqual(upTo(5))
  })
}
