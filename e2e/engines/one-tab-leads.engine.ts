import type { Tab } from './engine-browser.ts'
import { expect, test } from './fixtures.ts'
import { done, numbers, upTo, waiting, write } from './writes.ts'

const leads = (tab: Tab) => tab.evaluate(() => window.hf.status.get().leader)
const leaders = async (tabs: Tab[]) => (await Promise.all(tabs.map(leads))).filter(Boolean).length

test('one of three tabs leads, and another one when it is closed, which sends where there is no worker', async ({
  open,
  server,
}) => {
  const options = { worker: false } as const
  const tabs = [await open(options), await open(options), await open(options)]
  await expect.poll(() => leaders(tabs)).toBe(1)
  const first = await leads(tabs[0] as Tab)
  expect(first).toBe(true)
  await tabs.shift()?.close()
  const since = Date.now()
  await expect.poll(() => leaders(tabs), { interval: 5 }).toBe(1)
  console.log(`another tab led ${Date.now() - since} ms after the first was closed`)
  const [writer, other] = tabs as [Tab, Tab]
  await write(writer, numbers(5))
  await expect.poll(() => waiting(other)).toBe(0)
  expect([...done(server.arrivals)].sort()).toEqual(upTo(5))
})

test('a tab that leaves the app leads no more, and follows when it comes back', async ({ open }) => {
  const [first, second] = [await open(), await open()]
  await expect.poll(() => leads(first)).toBe(true)
  await first.goto('about:blank')
  await expect.poll(() => leads(second)).toBe(true)
  await first.back()
  // Where the engine loads it anew, that takes a while.
  await expect.poll(() => first.evaluate(() => document.readyState === 'complete' && 'hf' in window)).toBe(true)
  const persisted = await first.evaluate(() => window.shows.at(-1))
  console.log(`from the back-forward cache: ${persisted}`)
  await expect.poll(() => waiting(first)).toBe(0)
  await write(first, numbers(1))
  await expect.poll(() => waiting(second)).toBe(0)
  expect([await leads(first), await leads(second)]).toEqual([false, true])
})
