import { expect, test } from './support/demo.ts'
import { notesPage } from './support/notes-page.ts'

test('a worker that is stopped after the server processed the write doubles nothing and loses nothing', async ({
  page,
  worker,
  outbox,
  server,
}) => {
  await page.goto('/')
  await worker.ready(page)
  let reached = () => {}
  const processed = new Promise<void>(resolve => {
    reached = resolve
  })
  server.intercept(async (_request, next) => {
    await next()
    reached()
    return new Promise(() => undefined)
  })
  await notesPage(page).write('Low tide at noon')
  await processed
  expect(await server.notes()).toHaveLength(1)
  expect(await outbox.count()).toBe(1)

  await worker.stop()
  server.intercept((_request, next) => next())
  await notesPage(page).write('Two seals on the rocks')

  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect((await server.notes()).map(({ text }) => text)).toEqual(['Low tide at noon', 'Two seals on the rocks'])
  const keys = server.writes.map(({ key }) => key)
  expect(keys).toHaveLength(3)
  expect(keys[1]).toBe(keys[0])
})
