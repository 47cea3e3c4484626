import type { Page } from '@playwright/test'
import { roomOf } from './support/full-device.ts'
import { attempt, expect, stored, takeOver, test } from './support/precache-app.ts'

const ROOM = 6_000_000

// More than fits, in files that do.
test.use({ weight: 10_000_000 })

test('a version without room gives back all that it stored; the one before works on, and the outbox has the room', async ({
  page,
  worker,
  server,
  network,
}) => {
  const room = await roomOf(page, server.url)
  await room.limit(ROOM)
  await page.goto('/')
  await worker.ready(page)
  const before = await stored(page)

  server.deploy(2)
  // The first attempt is cut short by the server: what it has stored is given back by the second.
  server.interfere((path, response) => /^\/1\d\.bin$/.test(path) && response.writeHead(500).end())
  expect(await attempt(page)).toBe('redundant')
  expect((await stored(page)).join()).toContain('/0.bin')
  server.interfere()
  expect(await attempt(page)).toBe('redundant')
  expect(await stored(page)).toEqual(before)
  expect(await page.evaluate(write, 3_000_000)).toBe('kept')

  await network.offline()
  await page.goto('/')
  await expect(page).toHaveTitle('version 1')
  for (const name of ['late', 'rare'] as const) {
    expect(await page.evaluate(name => window.part(name), name)).toBe(`${name} 1`)
  }
  await network.online()

  await room.lift()
  expect(await attempt(page)).toBe('installed')
  await takeOver(page)
  await expect(page).toHaveTitle('version 2')
})

test('a first version without room leaves nothing behind', async ({ page, server }) => {
  server.deploy(2)
  const room = await roomOf(page, server.url)
  await room.limit(ROOM)
  await page.goto('/')
  await expect.poll(() => server.asked.filter(path => path.endsWith('.bin')).length).toBeGreaterThan(10)
  await expect.poll(() => registrations(page)).toBe(0)
  expect(await stored(page)).toEqual([])
})

function registrations(page: Page): Promise<number> {
  return page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)
}

/** Writes a body of so many bytes, and tells whether it was taken. */
async function write(bytes: number): Promise<string> {
  const body = new Uint8Array(bytes)
  // What can be compressed would take no room.
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(body.subarray(at, at + 65_536))
  await window.hf.pause()
  return window.hf.mutate({ url: '/kept', body }).then(
    () => 'kept',
    ({ code }) => code,
  )
}
