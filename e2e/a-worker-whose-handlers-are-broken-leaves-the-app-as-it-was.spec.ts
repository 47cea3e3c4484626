import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, open, send, test } from './support/capture-app.ts'

test.use({
  plugin: { queue: [{ match: '/api/**', handler: 'note' }], handlers: 'handlers.js' },
  sources: { 'handlers.js': "export const handlers = { captures: { note: () => ({ entity: 'notes' }) } }" },
})

test('a new version whose handlers cannot be loaded never takes over; the one before it goes on keeping', async ({
  page,
  worker,
  network,
  app,
  outbox,
  site,
}) => {
  await open(page, worker)
  const file = join(site, 'sw.js')
  const good = await readFile(file, 'utf8')
  await writeFile(file, `throw new Error('the handlers are broken')\n${good}`)
  const update = () =>
    page.evaluate(async () =>
      (await navigator.serviceWorker.ready).update().then(
        () => 'updated',
        ({ name }) => name,
      ),
    )
  expect(await update()).toBe('TypeError')
  await worker.stop()
  expect(await send(page, '/api/first')).toMatchObject({ status: 200 })
  await network.offline()
  expect(await send(page, '/api/notes')).toMatchObject({ status: 202 })
  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect(app.arrivals.map(({ url }) => url)).toEqual(['/api/first', '/api/notes'])
  await writeFile(file, good)
})

test('where there is no worker for that reason, writes go to the server as without us', async ({
  page,
  network,
  app,
  site,
}) => {
  const file = join(site, 'sw.js')
  const good = await readFile(file, 'utf8')
  await writeFile(file, `throw new Error('the handlers are broken')\n${good}`)
  await page.goto('/')
  expect(await send(page, '/api/notes')).toMatchObject({ status: 200 })
  const registrations = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)
  await expect.poll(registrations).toBe(0)
  await network.offline()
  expect(await send(page, '/api/notes')).toBeUndefined()
  expect(app.arrivals).toHaveLength(1)
  await writeFile(file, good)
})
