import { describe, expect, it } from 'vitest'
import { judge } from './judge.ts'

const ports = { url: 'https://app.example/a', now: 0 }
const answer = (status: number, body?: string, headers: Record<string, string> = {}) =>
  judge(new Response(status === 204 ? null : body, { status, headers }), ports)

it.each([200, 201, 202, 204, 299])('takes %i as confirmed', async status => {
  expect((await answer(status)).kind).toBe('confirmed')
})

it.each([408, 429, 500, 502, 503, 504, 599])('tries again after %i', async status => {
  expect(await answer(status)).toMatchObject({ kind: 'retry', code: 'status', status })
})

it.each([300, 304, 400, 403, 404, 410, 413, 418, 422, 451, 501])('does not take %i as success', async status => {
  const outcome = status === 304 ? await judge(new Response(null, { status }), ports) : await answer(status)
  expect(outcome).toMatchObject({ kind: 'refused', status })
})

it.each([409, 412])('takes %i as a conflict', async status => {
  expect(await answer(status)).toMatchObject({ kind: 'conflict', status })
})

it('holds the queue at 401, and counts no attempt', async () => {
  expect(await answer(401)).toMatchObject({ kind: 'hold', costsAttempt: false })
})

it('tries again while the server is at work on the same key', async () => {
  const body = '{"type":"https://example.org/idempotency-key-in-progress"}'
  expect(await answer(409, body, { 'content-type': 'application/problem+json' })).toMatchObject({ kind: 'retry' })
})

describe('an answer from another address', () => {
  const redirected = (to: string) => {
    const response = new Response('welcome', { status: 200 })
    Object.defineProperty(response, 'redirected', { value: true })
    Object.defineProperty(response, 'url', { value: to })
    return judge(response, ports)
  }

  it('is not success: it may be the page of a sign-in wall', async () => {
    expect(await redirected('https://app.example/login')).toMatchObject({ kind: 'refused', uncertain: true })
    expect(await redirected('https://other.example/a')).toMatchObject({ kind: 'refused' })
  })

  it('is success where only the last slash of the path differs', async () => {
    expect(await redirected('https://app.example/a/')).toMatchObject({ kind: 'confirmed' })
  })
})

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
  expect(plain).toMatchObject({ message: 'The server will not do it as it is.', problem: undefined })
})

it('honours Retry-After', async () => {
  expect(await answer(503, '', { 'retry-after': '7' })).toMatchObject({ retryAfterMs: 7000 })
})

describe('a body that breaks off', () => {
  const broken = (status: number) => {
    const body = new ReadableStream({ start: controller => controller.error(new TypeError('network')) })
    return judge(new Response(body, { status }), ports)
  }

  it('does not undo a success: the head has said it', async () => {
    expect(await broken(201)).toMatchObject({ kind: 'confirmed', status: 201, body: undefined })
  })

  it('does not undo a refusal or a hold either', async () => {
    expect(await broken(422)).toMatchObject({ kind: 'refused', status: 422 })
    expect(await broken(401)).toMatchObject({ kind: 'hold', costsAttempt: false })
  })

  it('leaves a 409 open, and costs an attempt, so that it ends at last', async () => {
    expect(await broken(409)).toMatchObject({ kind: 'retry', costsAttempt: true, uncertain: true })
  })
})

it('does not read an endless body to its end', async () => {
  let pulled = 0
  const endless = new ReadableStream({
    pull(controller) {
      pulled += 1
      controller.enqueue(new Uint8Array(16 * 1024))
    },
  })
  expect(await judge(new Response(endless, { status: 200 }), ports)).toMatchObject({
    kind: 'confirmed',
    body: undefined,
  })
  expect(pulled).toBeLessThan(10)
})
