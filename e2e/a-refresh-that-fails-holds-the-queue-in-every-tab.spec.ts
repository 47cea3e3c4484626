import type { Page } from '@playwright/test'
import { everythingStored } from './support/everything-stored.ts'
import { expect, pageWith, test } from './support/small-app.ts'

test.use({ handlers: 'session-handlers.ts' })

test('a refresh that fails holds the queue in every tab, and resume() delivers it after the sign-in', async ({
  page,
  context,
  worker,
  app,
}) => {
  let isSignedIn = false
  app.answer(({ headers }, response) => {
    response.statusCode = isSignedIn && headers.authorization === 'Bearer secret' ? 200 : 401
    response.end()
  })
  await page.goto(pageWith({ auth: 'session' }))
  await worker.ready(page)
  const other = await context.newPage()
  await other.goto(pageWith({ auth: 'session' }))
  const ids = await page.evaluate(async () => {
    const first = await window.hf.mutate({ url: '/notes/1', json: { text: 'Low tide at noon' } })
    const second = await window.hf.mutate({ url: '/notes/2', json: { text: 'Two seals on the rocks' } })
    return [first.id, second.id]
  })
  for (const tab of [page, other]) await expect.poll(() => stateOf(tab)).toBe('held')
  await page.evaluate(() => window.hf.sync())
  // One write asked, the provider asked once, and it cost no attempt.
  expect(app.arrivals.map(({ url }) => url)).toEqual(['/notes/1', '/session'])
  expect(await attempts(other)).toEqual([0, 0])

  isSignedIn = true
  await other.evaluate(async () => (await caches.open('session')).put('/token', new Response('secret')))
  await other.evaluate(() => window.hf.resume())
  for (const tab of [page, other]) await expect.poll(() => stateOf(tab)).toBe('idle')
  const sent = app.arrivals.slice(2)
  expect(sent.map(({ headers }) => headers['idempotency-key']).sort()).toEqual(ids.map(id => `"${id}"`))
  expect(sent.map(({ headers }) => headers.authorization)).toEqual(['Bearer secret', 'Bearer secret'])
  const stored = await everythingStored(page)
  expect(stored).toContain(ids[0])
  expect(stored).not.toContain('secret')
})

function stateOf(tab: Page): Promise<string> {
  return tab.evaluate(() => window.hf.status.get().state)
}

function attempts(tab: Page): Promise<number[]> {
  return tab.evaluate(async () => (await window.hf.outbox.list()).map(({ attempts }) => attempts))
}
