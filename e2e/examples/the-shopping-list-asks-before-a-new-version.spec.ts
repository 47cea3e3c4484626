import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveExample } from './examples.ts'
import { expect, test } from './fixtures.ts'

const changing = test.extend<{ folder: string }>({
  folder: async ({ built }, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-shopping-list-'))
    await cp(join(built, 'vanilla'), join(folder, 'vanilla'), { recursive: true })
    await use(folder)
    await rm(folder, { recursive: true })
  },
  server: async ({ folder }, use) => {
    const server = await serveExample('vanilla', folder)
    await use(server)
    await server.close()
  },
})

changing(
  'a new version waits until the person agrees and has nothing half-written',
  async ({ page, worker, folder }) => {
    const button = page.getByRole('button', { name: 'Use it now' })
    await page.goto('/')
    await worker.ready(page)
    await appendFile(join(folder, 'vanilla/sw.js'), '// version 2')
    await page.reload()
    await expect(page.getByText('A new version is ready.')).toBeVisible()

    const loadedAt = await page.evaluate(() => performance.timeOrigin)
    await page.getByRole('textbox').fill('Half a lem')
    await button.click()
    await expect(button).toBeDisabled()
    expect(await page.evaluate(() => performance.timeOrigin)).toBe(loadedAt)
    await page.getByRole('textbox').fill('')
    await expect(button).toHaveCount(0)
    expect(await page.evaluate(() => performance.timeOrigin)).not.toBe(loadedAt)
  },
)
