// Takes the README's pictures of the demo: written without a network, and after. Run it after `npm run build:demo`.
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { chromium, type Page } from '@playwright/test'
import { startDemoServer } from '../demo/server/app.ts'
import { CHROMIUM_FLAGS, CHROMIUM_PATH } from './chromium.ts'

const FOLDER = resolve(import.meta.dirname, '../docs/images')
const ONLINE = ['Two seals on the rocks below the lighthouse.', 'Tide pool 3: eleven anemones, four closed.']
const OFFLINE = [
  'Low tide at noon. The bar is dry up to the second marker.',
  'Wind turned north, about 5 Bft.',
  'Oystercatchers: 14, feeding along the mussel bank.',
]

await mkdir(FOLDER, { recursive: true })
const server = await startDemoServer({ port: 0, siteDir: resolve(import.meta.dirname, '../demo/dist') })
const browser = await chromium.launch({
  executablePath: CHROMIUM_PATH,
  args: CHROMIUM_FLAGS,
})
const context = await browser.newContext({
  viewport: { width: 1000, height: 700 },
  deviceScaleFactor: 1.5,
  reducedMotion: 'reduce',
})
const page = await context.newPage()

await page.goto(server.url)
await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
for (const text of ONLINE) await write(page, text)
await allAre(page, 'saved')
await context.setOffline(true)
for (const text of OFFLINE) await write(page, text)
await page.reload()
await page.getByText('3 notes wait').waitFor()
await page.screenshot({ path: `${FOLDER}/offline.png` })
await context.setOffline(false)
await allAre(page, 'saved')
await page.getByText('All saved').waitFor()
await page.screenshot({ path: `${FOLDER}/online.png` })

await browser.close()
await server.close()

async function write(to: Page, text: string): Promise<void> {
  await to.getByTestId('note-input').fill(text)
  await to.getByTestId('add-note').click()
  await to.getByTestId('note').filter({ hasText: text }).waitFor()
}

async function allAre(on: Page, state: string): Promise<void> {
  await on.waitForFunction(
    wanted =>
      [...document.querySelectorAll<HTMLElement>('[data-testid=note]')].every(
        ({ dataset }) => dataset.state === wanted,
      ),
    state,
  )
}
