import { join } from 'node:path'
import type { CDPSession, Page } from '@playwright/test'
import { holdfast } from 'holdfast/vite'
import { build } from 'vite'
import { expect, test } from './support/mode-app.ts'

const KINDS = ['fetch', 'message', 'push', 'sync', 'notificationclick']

const WORKER = `import { startHoldfast } from 'holdfast/sw'

const heard = []
const note = when => event => {
  const what = event.type === 'fetch' ? new URL(event.request.url).pathname : event.data?.type ?? event.tag ?? event.data?.text?.() ?? String(event.data)
  heard.push(when + ' ' + event.type + ' ' + what)
}
for (const kind of ${JSON.stringify(KINDS)}) self.addEventListener(kind, note('before'))
self.addEventListener('fetch', event => {
  if (new URL(event.request.url).pathname === '/own/before') event.respondWith(new Response('of the app, before'))
})

startHoldfast({ manifest: self.__WB_MANIFEST, queue: ['/api/**'] })

for (const kind of ${JSON.stringify(KINDS)}) self.addEventListener(kind, note('after'))
self.addEventListener('fetch', event => {
  const { pathname } = new URL(event.request.url)
  if (pathname === '/own/after') event.respondWith(new Response('of the app, after'))
})
self.addEventListener('message', event => {
  if (event.data?.type === 'what-was-heard') event.ports[0].postMessage(heard)
})
self.addEventListener('error', event => heard.push('error ' + event.message))
self.addEventListener('unhandledrejection', event => heard.push('rejection ' + event.reason))
`

/** Of every kind that a page or a library may post. */
const FOREIGN = [
  null,
  undefined,
  7,
  'text',
  [],
  { type: 'INIT' },
  { holdfast: 'x', type: 9 },
  { holdfast: 1, type: 'drain' },
]

function heardBy(page: Page): Promise<string[]> {
  return page.evaluate(
    () =>
      new Promise<string[]>(resolve => {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = ({ data }) => resolve(data)
        navigator.serviceWorker.controller?.postMessage({ type: 'what-was-heard' }, [port2])
      }),
  )
}

/** Lets the browser believe that a server has pushed, and that the network is back for a tag of the app. */
async function dispatch(session: CDPSession, origin: string): Promise<void> {
  const registered = new Promise<string>(resolve => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const found = registrations.find(({ scopeURL }) => scopeURL.startsWith(origin))
      if (found) resolve(found.registrationId)
    })
  })
  await session.send('ServiceWorker.enable')
  const registrationId = await registered
  await session.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data: 'pushed' })
  await session.send('ServiceWorker.dispatchSyncEvent', {
    origin,
    registrationId,
    tag: 'of-the-app',
    lastChance: false,
  })
}

test('in a hand-written worker the listeners of the app, before ours and after, hear everything, and ours takes only its own', async ({
  page,
  worker,
  network,
  outbox,
  makeApp,
  serveFolder,
}) => {
  const root = await makeApp({
    'index.html': '<!doctype html><title>By hand</title><script type="module" src="/main.js"></script>',
    'main.js': "import { createHoldfast } from 'holdfast'\nwindow.hf = createHoldfast()\n",
    'src/sw.ts': WORKER,
  })
  await build({ root, configFile: false, logLevel: 'error', plugins: [holdfast({ worker: 'src/sw.ts' })] })
  const site = await serveFolder(join(root, 'dist'))
  await page.goto(site.url)
  await worker.ready(page)

  const text = (path: string) => page.evaluate(async url => (await fetch(url)).text(), path)
  expect(await text('/own/before')).toBe('of the app, before')
  expect(await text('/own/after')).toBe('of the app, after')
  expect(await text('/nowhere')).toBe('Not found')
  await page.evaluate(all => {
    for (const data of all) navigator.serviceWorker.controller?.postMessage(data)
  }, FOREIGN)
  const session = await page.context().newCDPSession(page)
  await dispatch(session, new URL(site.url).origin)

  await expect
    .poll(() => heardBy(page))
    .toEqual(
      expect.arrayContaining(
        ['before', 'after'].flatMap(when => [
          `${when} fetch /own/${when}`,
          `${when} fetch /nowhere`,
          `${when} message INIT`,
          `${when} message null`,
          `${when} message 9`,
          `${when} push pushed`,
          `${when} sync of-the-app`,
        ]),
      ),
    )
  expect((await heardBy(page)).filter(line => /^(error|rejection)/.test(line))).toEqual([])

  await network.offline()
  expect(await page.evaluate(async () => (await fetch('/api/notes', { method: 'POST', body: 'x' })).status)).toBe(202)
  await page.reload()
  await expect(page).toHaveTitle('By hand')
  await network.online()
  await expect.poll(() => site.arrivals.map(({ url }) => url), { timeout: 30_000 }).toEqual(['/api/notes'])
  await expect.poll(() => outbox.count()).toBe(0)
})
