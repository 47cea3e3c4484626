import { expect, test } from './fixtures.ts'
import { done, numbers, waiting, write } from './writes.ts'

test('a write whose answer was lost is sent again under the same key', async ({ open, network, server }) => {
  const tab = await open()
  network.loseAnswers(2)
  const settled = await tab.evaluate(async () => {
    const receipt = await window.hf.mutate({ url: '/api/numbers', json: 1 })
    return receipt.settled
  })
  expect(settled).toMatchObject({ kind: 'confirmed', status: 200, body: { ok: true } })
  expect(server.arrivals.map(({ json }) => json)).toEqual([1, 1, 1])
  expect(new Set(server.arrivals.map(({ key }) => key)).size).toBe(1)
})

test('writes whose requests hang are delivered when the connection breaks', async ({ open, network, server }) => {
  const tab = await open()
  network.hang()
  await write(tab, numbers(3))
  expect(await waiting(tab)).toBe(3)
  await expect.poll(() => tab.evaluate(() => window.hf.status.get().sending)).toBeGreaterThan(0)
  expect(server.arrivals).toEqual([])

  await network.online()
  await expect.poll(() => waiting(tab)).toBe(0)
  expect([...done(server.arrivals)].sort()).toEqual([1, 2, 3])
})
