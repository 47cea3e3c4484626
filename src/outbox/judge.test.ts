import { expect, it } from 'vitest'
import { judge } from './judge.ts'

const answer = (status: number, body?: string, headers: Record<string, string> = {}) =>
  judge(new Response(status === 204 ? null : body, { status, headers }), 0)

it.each([200, 201, 202, 204, 299])('takes %i as confirmed', async status => {
  expect((await answer(status)).kind).toBe('confirmed')
})

it.each([408, 429, 500, 502, 503, 504, 599])('tries again after %i', async status => {
  expect(await answer(status)).toMatchObject({ kind: 'retry', code: 'status', status })
})

it.each([300, 304, 400, 401, 403, 404, 409, 410, 412, 413, 418, 422, 451])(
  'does not take %i as success',
  async status => {
    const outcome = status === 304 ? await judge(new Response(null, { status }), 0) : await answer(status)
    expect(outcome).toMatchObject({ kind: 'refused', status })
  },
)

it('gives the answer of the server: JSON as data, the rest as text', async () => {
  const json = { 'content-type': 'application/json; charset=utf-8' }
  expect(await answer(201, '{"id":7}', json)).toMatchObject({ body: { id: 7 }, headers: json })
  expect(await answer(200, 'fine')).toMatchObject({ body: 'fine' })
  expect(await answer(200, '{broken', json)).toMatchObject({ kind: 'confirmed', body: '{broken' })
})

it('keeps the status of an answer that is too large to keep', async () => {
  const outcome = await answer(200, 'x'.repeat(70_000))
  expect(outcome).toMatchObject({ kind: 'confirmed', status: 200, body: undefined })
})

it('reads a problem by its media type only', async () => {
  const body = '{"type":"https://example.org/p","title":"No","status":200}'
  const problem = { 'content-type': 'application/problem+json' }
  expect(await answer(422, body, problem)).toMatchObject({ kind: 'refused', message: 'No', problem: { title: 'No' } })
  const plain = await answer(422, body, { 'content-type': 'application/json' })
  expect(plain).toMatchObject({ message: 'The server answered 422.', problem: undefined })
})

it('honours Retry-After', async () => {
  expect(await answer(503, '', { 'retry-after': '7' })).toMatchObject({ retryAfterMs: 7000 })
})

it('does not know the answer when the body breaks off', async () => {
  const broken = new ReadableStream({
    start: controller => controller.error(new TypeError('network')),
  })
  await expect(judge(new Response(broken, { status: 200 }), 0)).rejects.toThrow('network')
})
