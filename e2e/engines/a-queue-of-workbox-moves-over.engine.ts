import { type AppServer, startAppServer } from './app-server.ts'
import type { Tab } from './engine-browser.ts'
import { test as base, expect } from './fixtures.ts'
import { type Network, startNetwork } from './network.ts'
import { type WorkerName, withWorkboxSite } from './workbox-site.ts'
import { done, upTo } from './writes.ts'

/** The app of somebody who used workbox-background-sync until now. */
const test = base.extend<{ server: AppServer; network: Network }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the fixtures from the pattern.
  server: ({}, use) =>
    withWorkboxSite(async site => {
      const server = await startAppServer(site)
      await use(server)
      server.close()
    }),
  network: async ({ server }, use) => {
    const network = await startNetwork(server.port)
    await use(network)
    network.close()
  },
})

test('what waits in a queue of Workbox is taken over, and goes out once and in order with what was kept since', async ({
  browser,
  network,
  server,
}) => {
  const tab = await browser.newTab(network.url)
  await useWorker(tab, 'workbox')
  await network.offline()
  for (const body of ['1', '2', '3']) expect(await post(tab, body)).toBe('failed')
  await network.online()
  expect(server.arrivals).toEqual([])

  await useWorker(tab, 'ours')
  expect(await ask(tab, 'adoption')).toEqual({ adopted: 3, left: [] })
  // From here on they go out, since the worker has just started.
  await network.offline()
  expect(await post(tab, '4')).toBe('failed')
  expect(await ask(tab, '5')).toEqual([{ by: 'hand' }])
  expect(await ask(tab, 'size')).toBe(1)
  expect(await ask(tab, 'replay')).toBe('queue-replay-failed')

  await network.online()
  await expect.poll(() => ask(tab, 'replay')).toBe('sent')
  await expect.poll(() => done(server.arrivals).length).toBe(5)
  const of = (url: string) => done(server.arrivals.filter(arrival => arrival.url === url))
  expect([of('/api/notes'), of('/api/tags')]).toEqual([upTo(4), [5]])
  expect(await ask(tab, 'size')).toBe(0)
  await tab.close()
})

/** Has the page controlled by that worker, whatever was before. */
function useWorker(tab: Tab, name: WorkerName): Promise<void> {
  return tab.evaluate(async url => {
    const { serviceWorker } = navigator
    await serviceWorker.register(url)
    const isReady = () =>
      serviceWorker.controller?.scriptURL.endsWith(url) && serviceWorker.controller.state === 'activated'
    while (!isReady()) await new Promise(resolve => setTimeout(resolve, 20))
  }, `/${name}.js`)
}

function post(tab: Tab, body: string): Promise<number | string> {
  return tab.evaluate(
    body =>
      fetch('/api/notes', { method: 'POST', body }).then(
        ({ status }) => status,
        () => 'failed',
      ),
    body,
  )
}

function ask(tab: Tab, question: string): Promise<unknown> {
  return tab.evaluate(
    question =>
      new Promise<unknown>(resolve => {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = ({ data }) => resolve(data)
        navigator.serviceWorker.controller?.postMessage(question, [port2])
      }),
    question,
  )
}
