import { fillDevice, roomOf } from './support/full-device.ts'
import { expect, test } from './support/small-app.ts'

// Over its quota Chromium refuses every transaction that puts something, and so every lease: nothing is lost, and nothing is
// sent before there is room again. To be taken out when a run can claim without writing.
test.fixme(true, 'a device over its quota sends nothing until there is room')

test('a full device still delivers what was written before, each write once', async ({ page, worker, app, outbox }) => {
  const room = await roomOf(page, app.url)
  await room.limit(2_000_000)
  await page.goto('/')
  await worker.ready(page)
  await page.evaluate(async () => {
    await window.hf.pause()
    for (const url of ['/first', '/second', '/third']) await window.hf.mutate({ url, entity: 'a', json: url })
  })
  // Less than is used already: whatever is deleted, there is no room again.
  await room.limit(1_000)
  const { taken } = await fillDevice(page)
  await page.evaluate(() => window.hf.resume())

  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  const urls = app.arrivals.map(({ url }) => url)
  expect(urls.filter(url => !(url in taken))).toEqual(['/first', '/second', '/third'])
  expect(urls.filter(url => url in taken).sort()).toEqual(Object.keys(taken).sort())
})
