import type { Page } from '@playwright/test'
import { allowing } from './support/cors.ts'
import { expect, pageWith, test } from './support/small-app.ts'

test('another origin gets no key, and so no preflight, unless the app says that its CORS rules allow the header', async ({
  page,
  worker,
  app,
  foreign,
}) => {
  foreign.answer(allowing(['Idempotency-Key'], (_arrival, response) => response.end('fine')))
  await page.goto(pageWith({}))
  await worker.ready(page)
  await send(page, foreign.url)
  expect(foreign.arrivals.map(({ method }) => method)).toEqual(['POST'])
  expect(foreign.arrivals[0]?.headers['idempotency-key']).toBeUndefined()

  await page.goto(pageWith({ idempotency: { origins: [new URL(foreign.url).origin] } }))
  const id = await send(page, foreign.url)
  const [, preflight, post] = foreign.arrivals
  expect([preflight?.method, post?.method, foreign.arrivals.length]).toEqual(['OPTIONS', 'POST', 3])
  expect(preflight?.headers['access-control-request-headers']).toBe('idempotency-key')
  expect(post?.headers['idempotency-key']).toBe(`"${id}"`)

  const own = await send(page, app.url)
  expect(app.arrivals.map(({ headers }) => headers['idempotency-key'])).toEqual([`"${own}"`])
})

/** A body that needs no preflight by itself. */
function send(page: Page, url: string): Promise<string> {
  return page.evaluate(async url => {
    const receipt = await window.hf.mutate({ url, body: 'Low tide at noon' })
    const { kind } = await receipt.settled
    if (kind !== 'confirmed') throw new Error(`It was ${kind}`)
    return receipt.id
  }, url)
}
