import { expect, test } from './fixtures.ts'

test.use({ example: 'react' })

test('plain fetch() tells saved, kept and refused apart', async ({ page, worker, network, server }) => {
  const field = page.getByRole('textbox')
  const add = async (text: string) => {
    await field.fill(text)
    await page.getByRole('button', { name: 'Add' }).click()
  }
  await page.goto('/')
  await worker.ready(page)
  await add('14:05, Old Pier, 1.8 m')
  await expect(page.getByText('Saved.', { exact: true })).toBeVisible()
  await expect(field).toHaveValue('')

  const long = '14:06, Old Pier, 1.8 m, and a good deal more than the server is ready to take'
  await add(long)
  await expect(page.getByText(`It has ${long.length} characters, and 60 fit.`)).toBeVisible()
  await expect(field).toHaveValue(long)

  await network.offline()
  await add('14:07, Old Pier, 1.8 m')
  await expect(page.getByText('Kept on this device, and sent when there is a network.')).toBeVisible()
  await expect(field).toHaveValue('')
  await network.online()
  await expect.poll(() => server.texts()).toEqual(['14:05, Old Pier, 1.8 m', '14:07, Old Pier, 1.8 m'])
})
