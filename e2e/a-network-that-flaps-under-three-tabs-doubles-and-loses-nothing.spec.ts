import type { ServerResponse } from 'node:http'
import { expect, test } from './support/small-app.ts'

const NAMES = ['tide', 'seals', 'wind']
const EACH = 30

test('a network that comes and goes quickly, under three open tabs that sync, doubles nothing and loses nothing', async ({
  page,
  context,
  network,
  worker,
  app,
  outbox,
}) => {
  const tabs = [page, await context.newPage(), await context.newPage()]
  for (const tab of tabs) {
    await tab.goto('/')
    await worker.ready(tab)
  }
  const effects = new Map<string, string>()
  const unanswered = new Set<ServerResponse>()
  app.answer(({ url, headers }, response) => {
    // As a server does that keeps the keys: the effect once, whatever becomes of the answer.
    const key = String(headers['idempotency-key'])
    if (!effects.has(key)) effects.set(key, url)
    unanswered.add(response)
    // Over a connection that it has used before, Chromium itself sends a request again that was cut off.
    response.setHeader('Connection', 'close')
    setTimeout(() => response.end(() => unanswered.delete(response)), 30)
  })
  await network.offline()
  for (const [index, tab] of tabs.entries()) {
    await tab.evaluate(
      async ({ name, each }) => {
        for (let count = 0; count < each; count += 1) {
          await window.hf.mutate({ url: `/${name}/${count}`, entity: name, json: count })
        }
      },
      { name: NAMES[index] ?? '', each: EACH },
    )
  }

  for (let time = 1; time <= 8; time += 1) {
    const before = app.arrivals.length
    await network.online()
    for (const tab of tabs) await tab.evaluate(() => void window.hf.sync().catch(() => undefined))
    await expect.poll(() => app.arrivals.length, { intervals: [5], timeout: 20_000 }).toBeGreaterThan(before)
    // Chromium lets go on what is on its way already; a network that is gone does not.
    const gone = network.offline()
    for (const response of unanswered) response.destroy()
    await gone
  }
  await network.online()

  await expect.poll(() => outbox.count(), { timeout: 40_000 }).toBe(0)
  expect(await outbox.deadCount()).toBe(0)
  expect(app.arrivals.length).toBeGreaterThan(NAMES.length * EACH)
  for (const name of NAMES) {
    const own = [...effects.values()].filter(url => url.startsWith(`/${name}/`))
    expect(own).toEqual(Array.from({ length: EACH }, (_, count) => `/${name}/${count}`))
  }
})
