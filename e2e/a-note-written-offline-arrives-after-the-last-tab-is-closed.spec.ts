import { expect, test } from './support/demo.ts'
import { notesPage } from './support/notes-page.ts'

test('a note written offline arrives after the last tab is closed', async ({
  page,
  network,
  worker,
  outbox,
  server,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await network.offline()
  const texts = ['Low tide at noon', 'Two seals on the rocks', 'Wind turned north']
  for (const text of texts) await notesPage(page).write(text)
  await expect.poll(() => outbox.count()).toBe(3)
  expect(await server.notes()).toEqual([])

  const context = page.context()
  for (const open of context.pages()) await open.close()
  expect(context.pages()).toEqual([])
  await network.online()

  await expect.poll(async () => (await server.notes()).map(({ text }) => text), { timeout: 30_000 }).toEqual(texts)
  expect(context.pages()).toEqual([])
  expect(server.writes).toHaveLength(3)
})
