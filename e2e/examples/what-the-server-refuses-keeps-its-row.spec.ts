import { EXAMPLES } from './examples.ts'
import { expect, test } from './fixtures.ts'

const LONG = 'More than the sixty characters that fit, so that the server refuses it'

for (const example of EXAMPLES) {
  test.describe(example, () => {
    test.use({ example })

    test('what the server refuses later says why, and can be tried again and discarded', async ({
      page,
      context,
      worker,
      network,
      server,
    }) => {
      const status = page.getByRole('status').first()
      const row = page.getByRole('listitem')
      await page.goto('/')
      await worker.ready(page)
      await network.offline()
      await page.getByRole('textbox').fill(LONG)
      await page.getByRole('button', { name: 'Add' }).click()
      await expect(row).toContainText('on this device')
      await network.online()
      await expect(row).toContainText('It has 70 characters, and 60 fit.')
      await expect(status).toHaveText('Online. 1 not accepted.')

      const again = context.waitForEvent('response', response => response.status() === 422)
      await page.getByRole('button', { name: 'Try again' }).click()
      await again
      // Until the row shows that answer it may still be the old one, whose letter is in the queue again.
      await expect(async () => {
        await page.getByRole('button', { name: 'Discard' }).click({ timeout: 1_000 })
        await expect(row).toHaveCount(0, { timeout: 1_000 })
      }).toPass({ timeout: 15_000 })
      await expect(status).toHaveText('Online. All saved.')
      expect(await server.texts()).toEqual([])
    })
  })
}
