import { expect, test } from './support/demo.ts'
import { notesPage } from './support/notes-page.ts'

test('a server that was down gets what was written meanwhile, without a hand being moved', async ({
  page,
  worker,
  outbox,
  server,
}) => {
  await page.goto('/')
  await worker.ready(page)
  const { write, note, status } = notesPage(page)
  await write('Before')
  await expect(note('Before')).toHaveAttribute('data-state', 'saved', { timeout: 20_000 })

  await server.stop()
  await write('Meanwhile, first')
  await write('Meanwhile, second')
  await expect.poll(async () => (await outbox.list()).length).toBe(2)
  await expect.poll(async () => (await outbox.list()).map(({ attempts }) => attempts)).toEqual([0, 0])
  await expect(status).toHaveAttribute('data-pending', '2')

  await server.start()
  await expect(note('Meanwhile, second')).toHaveAttribute('data-state', 'saved', { timeout: 40_000 })
  expect((await server.notes()).map(({ text }) => text)).toEqual(['Before', 'Meanwhile, first', 'Meanwhile, second'])
})
