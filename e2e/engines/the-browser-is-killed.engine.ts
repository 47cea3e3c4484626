import { expect, openApp, test } from './fixtures.ts'
import { numbers, waiting, write } from './writes.ts'

test('a browser killed right after a write delivers it once when it is started again', async ({
  start,
  network,
  server,
}) => {
  const killed = await start({ persistent: true })
  const tab = await openApp(killed, network)
  await network.offline()
  await write(tab, numbers(1))
  await killed.kill()

  await network.online()
  expect(server.arrivals).toEqual([])
  const next = await openApp(await start({ persistent: true }), network)
  await expect.poll(() => server.arrivals.map(({ json }) => json)).toEqual([1])
  await expect.poll(() => waiting(next)).toBe(0)
  expect(server.arrivals).toHaveLength(1)
})
