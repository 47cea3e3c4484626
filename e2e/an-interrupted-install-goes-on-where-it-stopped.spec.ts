import type { ServerResponse } from 'node:http'
import type { Page } from '@playwright/test'
import { type AppServer, attempt, expect, hold, stored, takeOver, test } from './support/precache-app.ts'

/** One file of the second version is never answered, up to the end of the test or of the connection. */
const STUCK = /\/assets\/late-/

interface Interruption {
  held: ServerResponse[]
  worker: { stop(): Promise<void> }
  server: AppServer
}

const ENDINGS: [string, (what: Interruption) => unknown][] = [
  ['the worker is stopped', ({ worker }) => worker.stop()],
  [
    'the network goes away',
    ({ held, server }) => {
      // A browser asks once more when a connection that was open already breaks off.
      server.interfere((_path, response) => response.destroy())
      for (const response of held) response.destroy()
    },
  ],
  ['the server fails', ({ held }) => held.map(response => response.writeHead(500).end())],
]

for (const [title, interrupt] of ENDINGS) {
  test(`when ${title}, the next attempt fetches only what is missing, and the version before works on`, async ({
    page,
    context,
    worker,
    server,
    network,
  }) => {
    await page.goto('/')
    await worker.ready(page)
    const { held, installing } = await installUpTo(page, server)
    const changed = await server.changed(1, 2)
    await expect.poll(() => server.asked.filter(path => path !== '/sw.js').sort()).toEqual([...changed].sort())
    const rest = changed.filter(path => !STUCK.test(path))
    await expect.poll(async () => includesAll(await stored(page), rest)).toBe(true)

    await interrupt({ held, worker, server })
    expect(await installing).toBe('redundant')

    // Not only the browser is offline: a worker that is started anew is so a moment later.
    server.interfere((_path, response) => response.destroy())
    await network.offline()
    const offline = await context.newPage()
    await offline.goto('/')
    await expect(offline).toHaveTitle('version 1')
    expect(await offline.evaluate(() => window.part('late'))).toBe('late 1')
    await offline.close()
    await network.online()

    server.interfere()
    server.asked.length = 0
    expect(await attempt(page)).toBe('installed')
    expect(server.asked.filter(path => path !== '/sw.js')).toEqual(changed.filter(path => STUCK.test(path)))
    await takeOver(page)
    await expect(page).toHaveTitle('version 2')
    await network.offline()
    await page.reload()
    await expect(page).toHaveTitle('version 2')
    expect(await page.evaluate(() => window.part('late'))).toBe('late 2')
  })
}

test('the browser itself tries again when a page is opened', async ({ page, context, worker, server }) => {
  await page.goto('/')
  await worker.ready(page)
  const { held, installing } = await installUpTo(page, server)
  for (const response of held) response.writeHead(500).end()
  expect(await installing).toBe('redundant')
  server.interfere()
  const later = await context.newPage()
  await later.goto('/')
  const isWaiting = async () => (await navigator.serviceWorker.getRegistration())?.waiting != null
  await expect.poll(() => later.evaluate(isWaiting)).toBe(true)
})

test('a first installation that failed is tried again with the next page, and goes on where it stopped', async ({
  page,
  worker,
  server,
  network,
}) => {
  const [stuck = ''] = (await server.filesOf(1)).filter(path => STUCK.test(path))
  server.interfere((path, response) => path === stuck && response.writeHead(503).end())
  await page.goto('/')
  const others = (await server.filesOf(1)).filter(path => path !== stuck)
  await expect.poll(async () => includesAll(await stored(page), others)).toBe(true)
  const registrations = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)
  await expect.poll(registrations).toBe(0)

  server.interfere()
  server.asked.length = 0
  await page.reload()
  await worker.ready(page)
  // The page has asked for some of them itself: no worker controlled it.
  expect(server.asked).toContain(stuck)
  expect(server.asked.filter(path => /rare|same|settings|icon/.test(path))).toEqual([])
  await network.offline()
  await page.reload()
  await expect(page).toHaveTitle('version 1')
})

/** Deploys the second version, whose installation then waits for one file. */
async function installUpTo(page: Page, server: AppServer) {
  server.deploy(2)
  const held: ServerResponse[] = []
  server.interfere((path, response) => {
    if (!STUCK.test(path)) return
    hold(response)
    held.push(response)
  })
  server.asked.length = 0
  const installing = attempt(page)
  await expect.poll(() => held.length).toBe(1)
  return { held, installing }
}

function includesAll(keys: string[], paths: string[]): boolean {
  const found = new Set(keys.map(key => key.replace(/\?.*/, '')))
  return paths.every(path => found.has(path))
}
