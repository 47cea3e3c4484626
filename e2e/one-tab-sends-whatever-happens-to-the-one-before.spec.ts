import type { Page } from '@playwright/test'
import { effectsOf } from './support/effects.ts'
import { expect, pageWith, test } from './support/small-app.ts'

const TABS = 8
const EACH = 10
const names = Array.from({ length: TABS }, (_, number) => `tab${number}`)

test('eight tabs write at once while leaders are closed and crashed: the worker alone sends, each write once and in order', async ({
  page,
  context,
  tabs,
  worker,
  app,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  const all = [page, ...(await tabs.open('/', TABS - 1))]
  const foreign: string[] = []
  context.on('request', request => {
    if (request.method() === 'POST' && !request.serviceWorker()) foreign.push(request.url())
  })
  await Promise.all(all.map((tab, number) => write(tab, names[number] ?? '')))
  await endLeader('closed', tabs, tab => tab.close())
  await endLeader('crashed', tabs, tabs.crash)
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)

  expectEachOnceInOrder(effectsOf(app))
  expect(app.arrivals).toHaveLength(TABS * EACH)
  expect(foreign).toEqual([])
})

test('without a worker one tab of eight sends at a time; when it is closed or crashed another goes on at once', async ({
  page,
  tabs,
  app,
  outbox,
}) => {
  await page.goto(pageWith({ worker: false }))
  const all = [page, ...(await tabs.open(pageWith({ worker: false }), TABS - 1))]
  await expect.poll(() => tabs.leader()).toBeDefined()
  const sending = new Map<Page, number>()
  const ended = new Set<Page>()
  const together: number[] = []
  for (const tab of all) {
    const change = (by: number) => {
      sending.set(tab, (sending.get(tab) ?? 0) + by)
      together.push([...sending].filter(([one, count]) => count > 0 && !ended.has(one)).length)
    }
    tab.on('request', request => request.method() === 'POST' && change(+1))
    tab.on('requestfinished', request => request.method() === 'POST' && change(-1))
    tab.on('requestfailed', request => request.method() === 'POST' && change(-1))
  }
  app.answer(async (_arrival, response) => {
    await new Promise(resolve => setTimeout(resolve, 30))
    response.end('{}')
  })
  await Promise.all(all.map((tab, number) => write(tab, names[number] ?? '')))
  await expect.poll(() => app.arrivals.length).toBeGreaterThan(5)
  // What such a tab has on its way ends a little later than the tab itself.
  const noted = (end: (tab: Page) => Promise<void>) => (tab: Page) => {
    ended.add(tab)
    return end(tab)
  }
  await endLeader(
    'closed',
    tabs,
    noted(tab => tab.close()),
  )
  await endLeader('crashed', tabs, noted(tabs.crash))
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)

  expectEachOnceInOrder(effectsOf(app))
  expect(Math.max(...together)).toBe(1)
})

async function write(tab: Page, name: string): Promise<void> {
  const args = { name, each: EACH }
  await tab.evaluate(async ({ name, each }) => {
    for (let count = 0; count < each; count += 1) {
      await window.hf.mutate({ url: `/${name}/${count}`, entity: name, json: count })
    }
  }, args)
}

/** Does that to the tab that leads, and says how long it took until another one did. */
async function endLeader(
  how: string,
  tabs: { leader(): Promise<Page | undefined> },
  end: (tab: Page) => Promise<void>,
): Promise<void> {
  await expect.poll(() => tabs.leader()).toBeDefined()
  const leader = await tabs.leader()
  if (!leader) throw new Error('Nobody leads.')
  const startedAt = performance.now()
  await end(leader)
  let next: Page | undefined
  await expect
    .poll(
      async () => {
        next = await tabs.leader()
        return next !== undefined && next !== leader
      },
      { intervals: [5] },
    )
    .toBe(true)
  console.log(`${how}: another tab led ${(performance.now() - startedAt).toFixed(0)} ms after`)
}

function expectEachOnceInOrder(urls: string[]): void {
  expect(urls).toHaveLength(TABS * EACH)
  for (const name of names) {
    const own = urls.filter(url => url.startsWith(`/${name}/`))
    expect(own).toEqual(Array.from({ length: EACH }, (_, count) => `/${name}/${count}`))
  }
}
