import type { Page } from '@playwright/test'
import type { NetworkFixture } from 'holdfast/playwright'
import { expect, test } from './support/small-app.ts'

test('twenty edits of a note made offline arrive as one, with all their fields', async ({
  page,
  network,
  worker,
  app,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await goOffline(page, network)
  const ids = await page.evaluate(async () => {
    const receipts = []
    for (let edit = 0; edit < 20; edit += 1) {
      receipts.push(
        await window.hf.mutate({
          method: 'PATCH',
          url: '/notes/1',
          entity: 'note:1',
          coalesce: 'merge',
          json: { [`field${edit % 10}`]: edit },
        }),
      )
    }
    Object.assign(window, { settled: Promise.all(receipts.map(({ settled }) => settled)) })
    return receipts.map(({ id }) => id)
  })
  expect(await outbox.count()).toBe(1)

  await network.online()
  await page.evaluate(() => window.hf.resume())
  const settled = await page.evaluate(() => (window as unknown as { settled: Promise<{ kind: string }[]> }).settled)
  expect(settled.map(({ kind }) => kind)).toEqual(Array(20).fill('confirmed'))
  expect(new Set(ids).size).toBe(1)
  expect(app.arrivals.map(({ method, url }) => [method, url])).toEqual([['PATCH', '/notes/1']])
  const fields = Array.from({ length: 10 }, (_, field) => [`field${field}`, field + 10])
  expect(JSON.parse(String(app.arrivals[0]?.body))).toEqual(Object.fromEntries(fields))
})

test('a note that was made and deleted offline is never sent, and both writes end as cancelled', async ({
  page,
  network,
  worker,
  app,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await goOffline(page, network)
  const kinds = await page.evaluate(async () => {
    const terms = { entity: 'note:n1', coalesce: 'merge' } as const
    const created = await window.hf.mutate({ ...terms, url: '/notes', json: { id: 'n1', text: 'Low tide at noon' } })
    const deleted = await window.hf.mutate({ ...terms, method: 'DELETE', url: '/notes/n1' })
    return [(await created.settled).kind, (await deleted.settled).kind]
  })
  expect(kinds).toEqual(['cancelled', 'cancelled'])
  expect(await outbox.count()).toBe(0)

  await network.online()
  await page.evaluate(() => window.hf.resume())
  await page.evaluate(async () => (await window.hf.mutate({ url: '/last', json: {} })).settled)
  expect(app.arrivals.map(({ url }) => url)).toEqual(['/last'])
})

/** What was attempted once is joined with nothing, and Chromium fires `sync` events also where only DevTools is offline. */
async function goOffline(page: Page, network: NetworkFixture): Promise<void> {
  await page.evaluate(() => window.hf.pause())
  await network.offline()
}
