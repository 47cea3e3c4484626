import type { ServerResponse } from 'node:http'
import type { Page } from '@playwright/test'
import { eventsOf, expect, test } from './support/update-app.ts'

test('a new version waits in every tab; when one agrees, each tab reloads once', async ({ tabs, worker, deploy }) => {
  const [first, second] = await openTwo(tabs, worker)
  await expect.poll(() => eventsOf(first)).toEqual(['loaded-1', 'registered:/', 'offline-ready'])
  expect(await eventsOf(second)).toEqual(['loaded-1', 'registered:/'])

  await deploy('2')
  await check(first)
  for (const page of [first, second]) await expect.poll(() => eventsOf(page)).toContain('need-refresh')
  // Also over a reload of the person's own.
  await second.reload()
  await expect(second).toHaveTitle('version 1')
  await expect
    .poll(() => eventsOf(second))
    .toEqual([...['loaded-1', 'registered:/', 'need-refresh'], ...['loaded-1', 'registered:/', 'need-refresh']])

  await agree(first)
  for (const page of [first, second]) {
    await expect(page).toHaveTitle('version 2')
    await expect.poll(async () => (await eventsOf(page)).slice(-2)).toEqual(['loaded-2', 'registered:/'])
    await check(page)
    expect((await eventsOf(page)).filter(event => event === 'loaded-2')).toHaveLength(1)
  }
})

test('nothing takes over while the outbox is being sent', async ({ tabs, worker, app, deploy }) => {
  const [first, second] = await openTwo(tabs, worker)
  const held = holdAnswers(app)
  await write(second, '/slow')
  await expect.poll(() => held.length).toBe(1)
  await deploy('2')
  await check(first)
  await expect.poll(() => eventsOf(first)).toContain('need-refresh')

  await agree(first)
  await expect.poll(() => waitsForDrain(first)).toBe(true)
  await expect.poll(() => isWaiting(first)).toBe(true)
  held[0]?.end()
  for (const page of [first, second]) await expect(page).toHaveTitle('version 2')
  expect(app.arrivals.map(({ url }) => url)).toEqual(['/slow'])
})

test('a tab with a dirty form is reloaded when it is clean, and when what it wrote is sent', async ({
  tabs,
  worker,
  app,
  deploy,
}) => {
  const [first, second] = await openTwo(tabs, worker)
  await deploy('2')
  await check(first)
  await expect.poll(() => eventsOf(first)).toContain('need-refresh')

  await first.evaluate(() => {
    window.isDirty = true
  })
  await second.evaluate(() => {
    window.isDirty = true
  })
  await agree(first)
  await expect.poll(() => first.evaluate(() => window.asked)).toBeGreaterThan(1)
  expect(await isWaiting(first)).toBe(true)

  await first.evaluate(() => {
    window.isDirty = false
  })
  await expect(first).toHaveTitle('version 2')
  await expect.poll(() => second.evaluate(() => window.asked)).toBeGreaterThan(1)
  await expect(second).toHaveTitle('version 1')

  const held = holdAnswers(app)
  await write(second, '/at-the-last-moment')
  await expect.poll(() => held.length).toBe(1)
  await second.evaluate(() => {
    window.isDirty = false
  })
  await expect.poll(() => waitsForDrain(second)).toBe(true)
  await expect(second).toHaveTitle('version 1')
  held[0]?.end()
  await expect(second).toHaveTitle('version 2')
  expect((await eventsOf(second)).filter(event => event === 'loaded-2')).toHaveLength(1)
})

test('in automatic mode the new version takes over without a question', async ({ tabs, context, worker, deploy }) => {
  await context.addInitScript(() => {
    window.updateMode = 'auto'
  })
  const [first, second] = await openTwo(tabs, worker)
  await deploy('2')
  await check(first)
  for (const page of [first, second]) {
    await expect(page).toHaveTitle('version 2')
    const events = await eventsOf(page)
    expect(events).not.toContain('need-refresh')
    expect(events.filter(event => event === 'loaded-2')).toHaveLength(1)
  }
})

test('a version that cannot be installed is reported, and the one before it stays', async ({
  page,
  worker,
  app,
  deploy,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await deploy('2')
  await page.context().route(/assets\/.*\.js/, route => route.fulfill({ status: 500 }))
  await check(page)
  await expect.poll(() => eventsOf(page)).toContain('worker-unavailable')
  await page.goto(app.url)
  await expect(page).toHaveTitle('version 1')
})

test('a version that leaves takes the worker and the caches away, and no write', async ({
  page,
  context,
  worker,
  app,
  outbox,
  deploy,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await page.evaluate(() => caches.open('somebody-elses'))
  await page.evaluate(() => window.hf.pause())
  await write(page, '/kept')

  await deploy('leaving')
  await check(page)
  await expect(page).toHaveTitle('version leaving')
  await expect.poll(() => registrations(page)).toBe(0)
  expect(await page.evaluate(() => caches.keys())).toEqual(['somebody-elses'])

  const later = await context.newPage()
  await later.goto('/')
  await expect(later).toHaveTitle('version leaving')
  await page.close()
  await later.reload()
  expect(await registrations(later)).toBe(0)
  expect(await outbox.count()).toBe(1)
  await later.evaluate(() => window.hf.resume())
  await expect.poll(() => outbox.count()).toBe(0)
  expect(app.arrivals.map(({ url }) => url)).toEqual(['/kept'])
})

async function openTwo(
  tabs: { open(url: string, count: number): Promise<Page[]> },
  worker: { ready(page: Page): Promise<void> },
): Promise<[Page, Page]> {
  const [first] = await tabs.open('/', 1)
  if (!first) throw new Error('No tab was opened.')
  await worker.ready(first)
  const [second] = await tabs.open('/', 1)
  if (!second) throw new Error('No tab was opened.')
  await worker.ready(second)
  return [first, second]
}

function check(page: Page): Promise<void> {
  return page.evaluate(() => window.updates.check())
}

/** The page may be gone before the new version has taken over. */
async function agree(page: Page): Promise<void> {
  await page.evaluate(() => void window.updates.update())
}

async function write(page: Page, url: string): Promise<void> {
  await page.evaluate(async url => void (await window.hf.mutate({ url, json: 1 })), url)
}

/** Keeps every write without an answer from now on, and gives the answers to be. */
function holdAnswers(app: {
  answer(by: (arrival: unknown, response: ServerResponse) => unknown): void
}): ServerResponse[] {
  const held: ServerResponse[] = []
  app.answer((_arrival, response) => held.push(response))
  return held
}

function waitsForDrain(page: Page): Promise<boolean> {
  return page.evaluate(async () => {
    const { pending = [] } = await navigator.locks.query()
    return pending.some(({ name, mode }) => name === 'holdfast:drain' && mode === 'shared')
  })
}

function isWaiting(page: Page): Promise<boolean> {
  return page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.waiting != null)
}

function registrations(page: Page): Promise<number> {
  return page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)
}
