import { expect, test } from './support/demo.ts'
import { notesPage } from './support/notes-page.ts'

test('a note that the server refuses is shown with its reason, and blocks nothing', async ({
  page,
  worker,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  const { write, note, status } = notesPage(page)
  const tooLong = `Long ${'tide '.repeat(80)}`
  await write(tooLong)
  await write('Low tide at noon')

  await expect(note('Low tide at noon')).toHaveAttribute('data-state', 'saved', { timeout: 20_000 })
  await expect(note('Long tide')).toHaveAttribute('data-state', 'refused')
  await expect(note('Long tide')).toContainText('280')
  await expect(status).toHaveAttribute('data-dead', '1')
  expect(await outbox.deadCount()).toBe(1)

  await page.reload()
  await expect(note('Long tide')).toHaveAttribute('data-state', 'refused')
})

test('a dead letter is sent again when a person asks for it', async ({ page, worker, outbox, server }) => {
  await page.goto('/')
  await worker.ready(page)
  server.intercept(async () => new Response('no', { status: 403 }))
  const { write, note } = notesPage(page)
  await write('Low tide at noon')
  await expect(note('Low tide at noon')).toHaveAttribute('data-state', 'refused', { timeout: 20_000 })

  server.intercept((_request, next) => next())
  await note('Low tide at noon').getByTestId('retry').click()
  await expect(note('Low tide at noon')).toHaveAttribute('data-state', 'saved', { timeout: 20_000 })
  expect(await outbox.deadCount()).toBe(0)
  expect(await server.notes()).toHaveLength(1)
})
