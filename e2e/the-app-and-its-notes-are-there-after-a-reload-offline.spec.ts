import { expect, test } from './support/demo.ts'
import { notesPage } from './support/notes-page.ts'

test('the app and its notes are there after a reload offline', async ({ page, worker, network }) => {
  await page.goto('/')
  await worker.ready(page)
  const { write, note, status, notes } = notesPage(page)
  await write('Written online')
  await expect(note('Written online')).toHaveAttribute('data-state', 'saved', { timeout: 20_000 })

  await network.offline()
  await write('Written offline')
  await expect(status).toContainText(/offline/i)
  await expect(status).toHaveAttribute('data-pending', '1')

  await page.reload()
  await expect(notes).toHaveCount(2)
  await expect(note('Written online')).toHaveAttribute('data-state', 'saved')
  await expect(note('Written offline')).toHaveAttribute('data-state', 'waiting')
  await expect(status).toHaveAttribute('data-pending', '1')

  await network.online()
  await expect(note('Written offline')).toHaveAttribute('data-state', 'saved', { timeout: 20_000 })
  await expect(status).toHaveAttribute('data-pending', '0')
})
