import { expect, test } from './fixtures.ts'

test.use({ example: 'vanilla' })

test('an item that was added and ticked offline is added first, and ticked then', async ({
  page,
  worker,
  network,
  server,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await network.offline()
  for (const text of ['Oat milk', 'Sea salt']) {
    await page.getByRole('textbox').fill(text)
    await page.getByRole('button', { name: 'Add' }).click()
    await page.getByRole('checkbox', { name: text }).check()
  }
  const status = page.getByRole('status').first()
  await expect(status).toHaveText('Offline. 4 changes wait on this device.')
  // The rows are made anew with each change.
  await expect(page.getByRole('checkbox', { name: 'Sea salt' })).toBeFocused()

  await network.online()
  await expect(status).toHaveText('Online. All saved.')
  expect((await server.texts()).sort()).toEqual(['Oat milk', 'Sea salt'])
  await page.reload()
  await expect(page.getByRole('checkbox', { name: 'Oat milk' })).toBeChecked()
  await expect(page.getByRole('checkbox', { name: 'Sea salt' })).toBeChecked()
})
