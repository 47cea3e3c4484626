import { expect, test } from './support/small-app.ts'

test('bodies of every kind arrive byte for byte, the same on each attempt', async ({ page, worker, app, outbox }) => {
  await page.goto('/')
  await worker.ready(page)
  const attempts = new Map<string, number>()
  app.answer(({ url }, response) => {
    attempts.set(url, (attempts.get(url) ?? 0) + 1)
    response.statusCode = attempts.get(url) === 1 ? 503 : 200
    response.end()
  })
  await page.evaluate(async () => {
    const { hf } = window
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
    const form = new FormData()
    form.set('title', 'Rocks')
    form.set('photo', new File([bytes], 'rocks.png', { type: 'image/png' }))
    await hf.mutate({ url: '/json', method: 'PUT', json: { text: 'Ebbe & Flut ü 🌊' }, headers: { 'X-Own': 'yes' } })
    await hf.mutate({ url: '/text', method: 'PATCH', body: 'plain ü' })
    await hf.mutate({ url: '/params', body: new URLSearchParams({ q: 'low tide' }) })
    await hf.mutate({ url: '/form', body: form })
    await hf.mutate({ url: '/blob', body: new Blob([bytes], { type: 'application/x-own' }) })
    await hf.mutate({ url: '/buffer', body: bytes.buffer })
    await hf.mutate({ url: '/view', body: bytes.subarray(10, 20) })
    await hf.mutate({ url: '/large', body: new Uint8Array(300_000).fill(7) })
    await hf.mutate({ url: '/none', method: 'DELETE' })
  })
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)

  const first = (url: string) => app.arrivals.filter(arrival => arrival.url === url)[0] ?? never(url)
  const bytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index))
  expect(first('/json')).toMatchObject({
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'x-own': 'yes' },
  })
  expect(first('/json').body.toString()).toBe('{"text":"Ebbe & Flut ü 🌊"}')
  expect(first('/text').method).toBe('PATCH')
  expect(first('/text').body.toString()).toBe('plain ü')
  expect(first('/params').body.toString()).toBe('q=low+tide')
  expect(first('/params').headers['content-type']).toBe('application/x-www-form-urlencoded;charset=UTF-8')
  expect(first('/form').body.includes(bytes)).toBe(true)
  const boundary = first('/form').headers['content-type']?.split('boundary=')[1] ?? never('boundary')
  expect(first('/form').body.toString('latin1')).toContain(boundary)
  expect(first('/blob').body.equals(bytes)).toBe(true)
  expect(first('/blob').headers['content-type']).toBe('application/x-own')
  expect(first('/buffer').body.equals(bytes)).toBe(true)
  expect(first('/view').body.equals(bytes.subarray(10, 20))).toBe(true)
  expect(first('/large').body.equals(Buffer.alloc(300_000, 7))).toBe(true)
  expect(first('/none')).toMatchObject({ method: 'DELETE', body: Buffer.alloc(0) })

  for (const url of attempts.keys()) {
    const [one, two, ...more] = app.arrivals.filter(arrival => arrival.url === url)
    expect(more).toEqual([])
    expect(two?.body.equals(one?.body ?? Buffer.from('none'))).toBe(true)
    expect(two?.headers['idempotency-key']).toBe(one?.headers['idempotency-key'])
    expect(two?.headers['content-type']).toBe(one?.headers['content-type'])
  }
})

function never(what: string): never {
  throw new Error(`${what} did not arrive`)
}
