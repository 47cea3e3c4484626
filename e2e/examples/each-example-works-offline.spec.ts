import { EXAMPLES } from './examples.ts'
import { expect, test } from './fixtures.ts'

for (const example of EXAMPLES) {
  test.describe(example, () => {
    test.use({ example })

    test('starts offline, keeps what is written there, and delivers it once', async ({
      page,
      worker,
      network,
      server,
    }) => {
      const status = page.getByRole('status').first()
      const items = page.getByRole('listitem')
      const add = async (text: string) => {
        await page.getByRole('textbox').fill(text)
        await page.getByRole('button', { name: 'Add' }).click()
      }
      await page.goto('/')
      await worker.ready(page)
      await add('Written online')
      await expect(items).toHaveText(['Written online'])
      await expect(status).toHaveText('Online. All saved.')

      await network.offline()
      await page.reload()
      await expect(items).toHaveText(['Written online'])
      await add('Written offline')
      await expect(items).toHaveText(['Written online', /^Written offline\s*on this device$/])
      await expect(status).toHaveText('Offline. 1 change waits on this device.')
      expect(await server.texts()).toEqual(['Written online'])

      await network.online()
      await expect(status).toHaveText('Online. All saved.')
      await expect(items).toHaveText(['Written online', 'Written offline'])
      expect(await server.texts()).toEqual(['Written online', 'Written offline'])
    })
  })
}
