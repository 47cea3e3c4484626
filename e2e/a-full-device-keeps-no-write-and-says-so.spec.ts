import type { Page } from '@playwright/test'
import { expect, open, send, test } from './support/capture-app.ts'
import { roomOf } from './support/full-device.ts'

test('on a full device the app hears that its write failed; each one that it was told is kept arrives when there is room', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  const room = await roomOf(page, app.url)
  await room.limit(2_000_000)
  await open(page, worker)
  await network.offline()
  const kept = await fill(page)
  expect(kept.length).toBeGreaterThan(3)
  expect((await outbox.list()).map(({ url }) => new URL(url).pathname).sort()).toEqual(kept.toSorted())
  await network.online()
  app.answer((_arrival, response) => response.writeHead(503).end('busy'))
  expect(await send(page, '/api/other', { body: 'x'.repeat(200_000) })).toMatchObject({ status: 503, body: 'busy' })
  expect(await outbox.count()).toBe(kept.length)

  app.arrivals.length = 0
  app.answer((_arrival, response) => response.end())
  await room.lift()
  // Nothing tells the worker that there is room again: it looks when the app makes a request.
  const goOn = async () => {
    expect(await send(page, '/api/after')).toMatchObject({ status: 200 })
    return outbox.count()
  }
  await expect.poll(goOn, { timeout: 60_000 }).toBe(0)
  const arrived = app.arrivals.map(({ url }) => url)
  expect(arrived.filter(url => url !== '/api/after').sort()).toEqual(kept.toSorted())
})

/** Posts bodies that cannot be compressed until none is kept any more; gives the addresses of those that were. */
function fill(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const kept: string[] = []
    for (let count = 0; count < 100; count += 1) {
      const body = crypto.getRandomValues(new Uint8Array(60_000))
      const answer = await fetch(`/api/${count}`, { method: 'POST', body }).catch(() => undefined)
      if (!answer) return kept
      kept.push(`/api/${count}`)
    }
    return kept
  })
}
