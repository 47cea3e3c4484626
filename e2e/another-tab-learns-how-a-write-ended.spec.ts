import { expect, test } from './support/small-app.ts'

test('another tab, and the same one after a reload, learn how a write ended: when it does, and afterwards', async ({
  page,
  context,
  network,
  worker,
  app,
}) => {
  app.answer((_arrival, response) => {
    response.writeHead(201, { 'Content-Type': 'application/json', 'X-Note': 'n1' }).end('{"id":"n1"}')
  })
  await page.goto('/')
  await worker.ready(page)
  const other = await context.newPage()
  await other.goto('/')
  await network.offline()
  const id = await page.evaluate(async () => {
    const receipt = await window.hf.mutate({ url: '/notes', json: { text: 'Low tide at noon' } })
    return receipt.id
  })
  await page.reload()
  for (const tab of [page, other]) {
    const isSettled = await tab.evaluate(async id => {
      const write = await window.hf.outbox.get(id)
      Object.assign(window, { settled: write?.settled })
      return write?.state === 'settled'
    }, id)
    expect(isSettled).toBe(false)
  }

  await network.online()
  const settlement = { kind: 'confirmed', status: 201, body: { id: 'n1' }, headers: { 'x-note': 'n1' } }
  for (const tab of [page, other]) {
    const settled = await tab.evaluate(() => (window as unknown as { settled: Promise<object> }).settled)
    expect(settled).toMatchObject(settlement)
  }
  await page.reload()
  await other.close()
  const entry = await page.evaluate(async id => {
    const write = await window.hf.outbox.get(id)
    return write && { ...write, settled: await write.settled }
  }, id)
  expect(entry).toMatchObject({ id, state: 'settled', settlement, settled: settlement })
  expect(app.arrivals).toHaveLength(1)
})
