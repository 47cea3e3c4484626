import { expect, test } from './support/small-app.ts'

test('a write that may have arrived is not sent again until a person says so, and then under the same key', async ({
  page,
  worker,
  app,
}) => {
  const done = new Set<unknown>()
  let isCutting = true
  app.answer(({ url, headers }, response) => {
    if (url === '/payments') done.add(headers['idempotency-key'])
    if (isCutting) response.destroy()
    else response.end()
  })
  await page.goto('/')
  await worker.ready(page)
  const id = await page.evaluate(async () => {
    return (await window.hf.mutate({ url: '/payments', json: { amount: 5 }, onUncertain: 'hold' })).id
  })
  const states = () => page.evaluate(async () => (await window.hf.outbox.list()).map(({ id, state }) => [id, state]))
  await expect.poll(states).toEqual([[id, 'held']])
  await expect.poll(() => page.evaluate(() => window.hf.status.get().held)).toBe(1)
  const payments = () => app.arrivals.filter(({ url }) => url === '/payments')
  // Chromium itself sends once more what got no answer on a connection that was used before.
  const sent = payments().length
  expect(done).toEqual(new Set([`"${id}"`]))

  isCutting = false
  expect(await page.evaluate(() => window.hf.sync())).toMatchObject({ synced: 0, failed: 0 })
  await worker.stop()
  await page.reload()
  await worker.ready(page)
  const other = await page.evaluate(async () => (await window.hf.mutate({ url: '/other', json: {} })).settled)
  expect(other).toMatchObject({ kind: 'confirmed' })
  expect(await states()).toEqual([[id, 'held']])
  expect(payments()).toHaveLength(sent)

  await page.evaluate(id => window.hf.outbox.retry(id), id)
  const settled = await page.evaluate(async id => (await window.hf.outbox.get(id))?.settled, id)
  expect(settled).toMatchObject({ kind: 'confirmed', status: 200 })
  expect(payments()).toHaveLength(sent + 1)
  expect(done).toEqual(new Set([`"${id}"`]))
  expect(await states()).toEqual([])
})
