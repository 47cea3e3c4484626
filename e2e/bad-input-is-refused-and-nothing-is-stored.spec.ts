import { expect, test } from './support/small-app.ts'

test('bad input is refused with a text that says what to do, and nothing is stored', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  const errors = await page.evaluate(async () => {
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    const bad: unknown[] = [
      {},
      { url: '/a', method: 'GET' },
      { url: '/a', json: cyclic },
      { url: '/a', body: new Blob(['x']).stream() },
      { url: '/a', json: {}, headers: { Authorization: 'Bearer secret' } },
      { url: 'javascript:alert(1)' },
      { url: '/a', body: { not: 'a body' } },
      { url: '/a', meta: { element: document.body } },
    ]
    const thrown: { name: string; code: string; message: string }[] = []
    for (const input of bad) {
      await window.hf.mutate(input as { url: string }).then(
        () => thrown.push({ name: 'nothing', code: '', message: '' }),
        ({ name, code, message }) => thrown.push({ name, code, message }),
      )
    }
    return thrown
  })
  for (const error of errors) {
    expect(error).toMatchObject({ name: 'HoldfastError', code: 'invalid-mutation' })
    expect(error.message).toMatch(/^Failed to record the mutation: .+\. .+\.$/s)
  }
  expect(errors).toHaveLength(8)
  expect(await outbox.count()).toBe(0)
  expect(app.arrivals).toEqual([])
})
