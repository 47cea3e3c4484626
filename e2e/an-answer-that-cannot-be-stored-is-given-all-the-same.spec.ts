import { expect, get, test } from './support/reading-app.ts'

test('an answer that cannot be stored is given all the same, and nothing is left unhandled', async ({
  app,
  page,
  context,
}) => {
  app.on('/api/', ({ response }) => response.setHeader('Vary', '*').end('notes'))
  await app.open(page, { caching: [{ match: '/api/**', strategy: 'network-first' }] })
  const worker = context.serviceWorkers()[0]
  const heard = worker?.evaluate(
    () =>
      new Promise(resolve => {
        self.addEventListener('unhandledrejection', ({ reason }) => resolve(String(reason)))
        // What has been rejected before is told before.
        self.addEventListener('message', () => setTimeout(() => resolve('nothing'), 100))
      }),
  )
  expect(await get(page, '/api/notes')).toEqual({ status: 200, text: 'notes' })
  expect(await get(page, '/api/notes')).toEqual({ status: 200, text: 'notes' })
  await page.evaluate(() => navigator.serviceWorker.controller?.postMessage('done'))
  expect(await heard).toBe('nothing')
})
