import type { ServerResponse } from 'node:http'
import { type AppServer, attempt, expect, takeOver, test } from './support/precache-app.ts'

test('a page of another version makes the installation fail; with its own page it goes on', async ({
  page,
  worker,
  server,
  network,
}) => {
  await page.goto('/')
  await worker.ready(page)
  for (const [version, other] of [
    // Deployed while the second version installs, or not yet everywhere.
    [2, 3],
    [2, 1],
  ] as const) {
    server.deploy(version)
    server.interfere((path, response) => path === '/index.html' && answerFrom(server, other, path, response))
    expect(await attempt(page)).toBe('redundant')
  }
  await network.offline()
  await page.goto('/')
  await expect(page).toHaveTitle('version 1')
  await network.online()

  server.interfere()
  expect(await attempt(page)).toBe('installed')
  await takeOver(page)
  await network.offline()
  await page.goto('/')
  await expect(page).toHaveTitle('version 2')
})

test('a page that somebody on the way has added to is stored', async ({ page, worker, server, network }) => {
  server.interfere(async (path, response) => {
    if (path !== '/index.html') return
    const html = (await server.read(1, path)) ?? ''
    response
      .setHeader('Content-Type', 'text/html')
      .end(`<!-- counted --> ${html}<script>window.counted = true</script>`)
  })
  await page.goto('/')
  await worker.ready(page)
  await network.offline()
  await page.goto('/')
  await expect(page).toHaveTitle('version 1')
  expect(await page.evaluate(() => 'counted' in window)).toBe(true)
})

async function answerFrom(server: AppServer, version: 1 | 3, path: string, response: ServerResponse): Promise<void> {
  response.setHeader('Content-Type', 'text/html').end(await server.read(version, path))
}
