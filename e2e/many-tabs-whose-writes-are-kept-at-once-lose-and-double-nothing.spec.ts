import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from '@playwright/test'
import { expect, open, test } from './support/capture-app.ts'
import { effectsOf } from './support/effects.ts'

const TABS = 4
const WRITES = 25

test('four tabs that write side by side, on a server that comes and goes, have each write done once, in the order of each tab', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  app.answer(async (_arrival, response) => {
    await sleep(5)
    // Every third time the server has done it, and nobody hears so.
    if (app.arrivals.length % 3 === 0) response.destroy()
    else if (app.arrivals.length % 5 === 0) response.writeHead(503).end()
    else response.writeHead(201).end()
  })
  await open(page, worker)
  const tabs = [page]
  for (let number = 1; number < TABS; number += 1) tabs.push(await page.context().newPage())
  for (const tab of tabs.slice(1)) await open(tab, worker)
  const heard = tabs.map((tab, number) => writeAll(tab, number))
  await sleep(300)
  await network.offline()
  await sleep(500)
  await network.online()

  for (const statuses of await Promise.all(heard)) {
    expect(statuses.filter(status => status !== 201 && status !== 202)).toEqual([])
    expect(statuses).toHaveLength(WRITES)
  }
  await expect.poll(() => outbox.count(), { timeout: 60_000 }).toBe(0)
  expect(await outbox.deadCount()).toBe(0)
  const done = effectsOf(app)
  for (let number = 0; number < TABS; number += 1) {
    const own = done.filter(url => url.startsWith(`/api/${number}?`)).map(url => Number(url.split('=')[1]))
    expect(own).toEqual(Array.from({ length: WRITES }, (_, at) => at))
  }
})

/** One after the other, as an app does that waits for its answers: all of them to one address, and so of one entity. */
function writeAll(tab: Page, number: number): Promise<number[]> {
  return tab.evaluate(
    async ([number, count]) => {
      const statuses: number[] = []
      for (let at = 0; at < count; at += 1) {
        const response = await fetch(`/api/${number}?n=${at}`, { method: 'POST', body: 'x' }).catch(() => undefined)
        statuses.push(response?.status ?? 0)
      }
      return statuses
    },
    [number, WRITES] as const,
  )
}
