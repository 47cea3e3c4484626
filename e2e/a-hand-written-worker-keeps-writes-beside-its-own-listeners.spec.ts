import { expect, open, send, test } from './support/capture-app.ts'

const WORKER = `
import { startHoldfast } from 'holdfast/sw'
const seen = []
addEventListener('fetch', event => {
  if (event.request.url.endsWith('/api/mine')) event.respondWith(new Response('by a listener before'))
})
startHoldfast({ manifest: self.__WB_MANIFEST, queue: ['/api/**'] })
addEventListener('fetch', event => {
  seen.push(event.request.method + ' ' + new URL(event.request.url).pathname)
  if (event.request.url.endsWith('/own')) event.respondWith(new Response('by a listener behind'))
})
addEventListener('message', event => {
  if (event.data === 'what was seen') event.ports[0].postMessage(seen)
})
addEventListener('install', () => skipWaiting())
`

test.use({ plugin: { worker: 'sw.js' }, sources: { 'sw.js': WORKER } })

test('a hand-written worker keeps the writes of its rules, beside listeners of its own', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  await open(page, worker)
  await network.offline()
  expect(await send(page, '/api/notes', { body: 'Low tide' })).toMatchObject({ status: 202 })
  expect(await send(page, '/api/mine')).toMatchObject({ status: 200, body: 'by a listener before' })
  expect(await send(page, '/own')).toMatchObject({ status: 200, body: 'by a listener behind' })
  expect(await send(page, '/elsewhere')).toBeUndefined()
  const seen = await page.evaluate(
    () =>
      new Promise<string[]>(resolve => {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = ({ data }) => resolve(data)
        navigator.serviceWorker.controller?.postMessage('what was seen', [port2])
      }),
  )
  expect(seen.filter(text => text.startsWith('POST'))).toEqual(['POST /own', 'POST /elsewhere'])

  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect(app.arrivals.map(({ url, body }) => [url, body.toString()])).toEqual([['/api/notes', 'Low tide']])
})
