import type { BrowserContext, Page } from '@playwright/test'
import { attempt, expect, stored, takeOver, test } from './support/precache-app.ts'

test('a dirty tab of the version before loads its parts from the new worker, online and offline', async ({
  page,
  context,
  worker,
  server,
  network,
}) => {
  await openDirty(page)
  await worker.ready(page)
  const first = await server.filesOf(1)
  server.deploy(2)
  expect(await attempt(page)).toBe('installed')
  await takeOver(page)
  await expect(page).toHaveTitle('version 1')

  server.asked.length = 0
  expect(await page.evaluate(() => window.part('late'))).toBe('late 1')
  expect(server.asked).toEqual([])
  await network.offline()
  expect(await page.evaluate(() => window.part('rare'))).toBe('rare 1')

  for (const path of ['/', '/notes/7', '/index.html']) await expectTitle(context, path, 'version 2')
  await network.online()
  for (const path of ['/', '/index.html']) await expectTitle(context, path, 'version 2')

  // The version after that has the files of the second, and no longer those of the first.
  server.deploy(3)
  expect(await attempt(page)).toBe('installed')
  await takeOver(page)
  const keys = (await stored(page)).map(key => key.replace(/\?.*/, ''))
  const hashed = (await server.filesOf(2)).filter(path => path.startsWith('/assets/'))
  await expect
    .poll(async () => (await stored(page)).map(key => key.replace(/\?.*/, '')))
    .toEqual([...new Set([...hashed, ...(await server.filesOf(3))])].sort())
  expect(first.some(path => !keys.includes(path))).toBe(true)
})

test('what is in the same folder and is not precached goes to the rules, and to the server', async ({
  page,
  worker,
  server,
  network,
}) => {
  await page.goto('/')
  await worker.ready(page)
  const film = () => page.evaluate(() => fetch(window.film).then(response => response.text()))
  expect(await film()).toBe('a film')
  const isKept = () => page.evaluate(async () => (await caches.match(window.film)) !== undefined)
  await expect.poll(isKept).toBe(true)
  server.asked.length = 0
  await network.offline()
  expect(await film()).toBe('a film')
  expect(server.asked).toEqual([])
  const none = () =>
    page.evaluate(() =>
      fetch('/assets/none.js').then(
        ({ status }) => String(status),
        ({ name }: Error) => name,
      ),
    )
  expect(await none()).toBe('TypeError')
  await network.online()
  expect(await none()).toBe('404')
})

async function openDirty(page: Page): Promise<void> {
  await page.goto('/')
  await page.evaluate(() => {
    window.isDirty = true
  })
}

async function expectTitle(context: BrowserContext, path: string, title: string): Promise<void> {
  const page = await context.newPage()
  await page.goto(path)
  await expect(page).toHaveTitle(title)
  await page.close()
}
