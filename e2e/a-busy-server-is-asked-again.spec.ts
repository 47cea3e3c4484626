import { expect, test } from './support/demo.ts'
import { notesPage } from './support/notes-page.ts'

test('a server that answers 503 is asked again until it takes the write', async ({ page, worker, server }) => {
  await page.goto('/')
  await worker.ready(page)
  server.intercept((_request, next) => (server.writes.length <= 2 ? unavailable() : next()))
  await notesPage(page).write('Low tide at noon')

  await expect(notesPage(page).note('Low tide at noon')).toHaveAttribute('data-state', 'saved', { timeout: 30_000 })
  expect(await server.notes()).toHaveLength(1)
  expect(server.writes).toHaveLength(3)
  expect(new Set(server.writes.map(({ key }) => key)).size).toBe(1)
})

async function unavailable(): Promise<Response> {
  return new Response('busy', { status: 503 })
}
