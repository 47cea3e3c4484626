import { ok } from './app-server.ts'
import { expect, test } from './fixtures.ts'
import { upTo } from './writes.ts'

test('what plain fetch() could not send is kept by the worker, and arrives in order', async ({
  open,
  network,
  server,
}) => {
  const tab = await open()
  await network.offline()
  const answers = await tab.evaluate(async () => {
    const answers: unknown[] = []
    for (const json of [1, 2, 3]) {
      const headers = { 'Content-Type': 'application/json' }
      const response = await fetch('/kept/numbers', { method: 'POST', headers, body: JSON.stringify(json) })
      const { receipt } = await response.json()
      const state = await fetch(response.headers.get('location') ?? '').then(one => one.json())
      answers.push([response.status, receipt.state, state.id === receipt.id && state.state])
    }
    return answers
  })
  expect(answers).toEqual(Array(3).fill([202, 'waiting', 'waiting']))
  await network.online()
  await expect.poll(() => server.arrivals.map(({ json }) => json)).toEqual(upTo(3))
  expect(new Set(server.arrivals.map(({ key }) => key)).size).toBe(3)
})

test('what a page delivers of its outbox itself is not kept again', async ({ open, server }) => {
  await open()
  server.answer((arrival, response) => {
    if (server.arrivals.length > 1) return ok(arrival, response)
    response.writeHead(503).end()
  })
  const tab = await open({ name: 'by-the-page', worker: false, retry: { baseMs: 1 } })
  const settlement = await tab.evaluate(async () => {
    const isControlled = navigator.serviceWorker.controller !== null
    const { settled } = await window.hf.mutate({ url: '/kept/numbers', json: 1 })
    const settlement = await settled
    return [isControlled, settlement.kind, 'status' in settlement && settlement.status]
  })
  expect(settlement).toEqual([true, 'confirmed', 200])
  expect(server.arrivals.map(({ url, json }) => [url, json])).toEqual(Array(2).fill(['/kept/numbers', 1]))
})
