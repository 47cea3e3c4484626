import type { Page, Request, Route } from '@playwright/test'
import { type DemoServer, expect, test } from './support/demo.ts'

/** Two entities: what is behind a write of one entity, and what is beside it. */
const FIRST = ['Tide 1', 'Tide 2', 'Seals 1']
const LATER = ['Tide 3', 'Seals 2']

/** Writes, and resolves when the worker is at that point of its work; gives what opens the way again after it was stopped. */
type Reach = (page: Page, server: DemoServer) => Promise<() => unknown>

/** How each stage is reached, and how often the server is asked for the write that was under way. */
const STAGES: [when: string, reach: Reach, requests: number][] = [
  ['before it claimed anything', keepFromClaiming, 1],
  ['after the claim, before the request left', keepFromSending, 1],
  ['while the server has the request', holdBeforeApplying, 2],
  ['after the server processed the write', holdAnswer, 2],
  ['with the answer in hand, before the outcome is recorded', keepFromSettling, 2],
]

for (const [when, reach, requests] of STAGES) {
  test(`a worker that is stopped ${when} delivers each write once`, async ({ page, worker, outbox, server }) => {
    await page.goto('/')
    await worker.ready(page)
    const openTheWay = await reach(page, server)
    await worker.stop()
    await openTheWay()

    await write(page, LATER)
    await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
    expect(await outbox.deadCount()).toBe(0)
    const texts = (await server.notes()).map(({ text }) => text)
    expect(texts.filter(isOf('Tide'))).toEqual(['Tide 1', 'Tide 2', 'Tide 3'])
    expect(texts.filter(isOf('Seals'))).toEqual(['Seals 1', 'Seals 2'])
    const keys = server.writes.map(({ key }) => key)
    expect(new Set(keys).size).toBe(texts.length)
    expect(keys.filter(key => key === keys[0])).toHaveLength(requests)
  })
}

/** Somebody else holds the drain lock; the worker has been woken and waits for it. */
async function keepFromClaiming(page: Page): Promise<() => unknown> {
  await page.evaluate(async () => {
    await new Promise<void>(held => {
      const work = () => new Promise<void>(release => held(void Object.assign(window, { release })))
      void navigator.locks.request('holdfast:drain', work)
    })
  })
  await write(page, FIRST)
  await expect.poll(() => page.evaluate(async () => (await navigator.locks.query()).pending?.length)).toBeGreaterThan(0)
  expect(await states(page)).toEqual(['waiting', 'waiting', 'waiting'])
  return () => page.evaluate(() => (window as unknown as { release(): void }).release())
}

/** The browser has the request, and does not let it out. */
async function keepFromSending(page: Page, server: DemoServer): Promise<() => unknown> {
  const context = page.context()
  const kept: Route[] = []
  await context.route('**/api/notes', route => (isPost(route.request()) ? kept.push(route) : route.continue()))
  await write(page, FIRST)
  await expect.poll(() => kept.length).toBe(1)
  expect(await states(page)).toContain('sending')
  expect(server.writes).toEqual([])
  return async () => {
    await context.unrouteAll()
    // The browser has dropped that of the worker that was stopped.
    for (const route of kept) await route.continue().catch(() => undefined)
  }
}

/** The server has it, and applies it only when nobody waits for the answer any more. */
async function holdBeforeApplying(page: Page, server: DemoServer): Promise<() => unknown> {
  const released = promise()
  const applied = promise()
  server.intercept(async (_request, next) => {
    if (server.writes.length > 1) return next()
    await released.reached
    return next().finally(applied.reach)
  })
  await write(page, FIRST)
  await expect.poll(() => server.writes.length).toBe(1)
  expect(await server.notes()).toEqual([])
  return () => {
    released.reach()
    return applied.reached
  }
}

/** The server has applied it, and its answer never leaves. */
async function holdAnswer(page: Page, server: DemoServer): Promise<() => unknown> {
  server.intercept(async (_request, next) => {
    const isFirst = server.writes.length === 1
    const response = await next()
    return isFirst ? new Promise(() => undefined) : response
  })
  await write(page, FIRST)
  await expect.poll(() => server.notes()).toHaveLength(1)
  expect(await states(page)).toContain('sending')
  return () => undefined
}

/** The worker has the answer, and waits for a transaction in which to record it. */
async function keepFromSettling(page: Page, server: DemoServer): Promise<() => unknown> {
  const released = promise()
  server.intercept(async (_request, next) => {
    await released.reached
    return next()
  })
  await write(page, FIRST)
  await expect.poll(() => server.writes.length).toBe(1)
  await page.evaluate(occupyTheQueue)
  const answered = page.context().waitForEvent('requestfinished', isPost)
  released.reach()
  await answered
  return () => page.evaluate(() => (window as unknown as { free(): void }).free())
}

/** Runs in the page: keeps a transaction over the queue open, so that every other one waits behind it. */
function occupyTheQueue(): Promise<void> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('holdfast')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const store = opening.result.transaction('mutations', 'readwrite').objectStore('mutations')
      let isFree = false
      const free = () => {
        isFree = true
      }
      Object.assign(window, { free })
      // A transaction lives as long as it gets one more request.
      const again = () => {
        resolve()
        if (isFree) opening.result.close()
        else store.count().onsuccess = again
      }
      again()
    }
  })
}

async function write(page: Page, texts: string[]): Promise<void> {
  await page.evaluate(async texts => {
    for (const text of texts) {
      const json = { id: crypto.randomUUID(), text, writtenAt: new Date().toISOString() }
      await window.hf.mutate({ url: '/api/notes', entity: text.split(' ')[0], json })
    }
  }, texts)
}

function states(page: Page): Promise<string[]> {
  return page.evaluate(async () => (await window.hf.outbox.list()).map(({ state }) => state))
}

function isPost(request: Request): boolean {
  return request.method() === 'POST'
}

function isOf(entity: string): (text: string) => boolean {
  return text => text.startsWith(entity)
}

function promise(): { reached: Promise<void>; reach: () => void } {
  let reach = () => {}
  const reached = new Promise<void>(resolve => {
    reach = resolve
  })
  return { reached, reach }
}
