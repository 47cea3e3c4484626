import { describe, expect, it } from 'vitest'
import { ageOf, stamp, withAge } from './age.ts'

const store = async (response: Response) =>
  (await stamp.cacheWillUpdate?.({
    response,
    request: new Request('https://app.example/'),
    event: {} as never,
  })) as Response

describe('the age of an answer', () => {
  it('is counted from when it was stored, and the page sees nothing else of that', async () => {
    const stored = await store(new Response('tides', { status: 203, statusText: 'Half', headers: { etag: '"7"' } }))
    const given = withAge(stored, Date.now() + 61_500)
    expect([given.status, given.statusText, await given.text()]).toEqual([203, 'Half', 'tides'])
    expect(Object.fromEntries(given.headers)).toEqual({
      age: '61',
      etag: '"7"',
      'content-type': 'text/plain;charset=UTF-8',
    })
  })

  it('is nothing less than nothing where the clock was put back', async () => {
    expect(ageOf(await store(new Response('')), Date.now() - 60_000)).toBe(0)
  })

  it('is unknown of what something else has stored, and that stays as it is', () => {
    const foreign = new Response('')
    expect(ageOf(foreign, Date.now())).toBeUndefined()
    expect(withAge(foreign, Date.now())).toBe(foreign)
  })

  it('is unknown of what hides its headers, and that stays as it is', async () => {
    const opaque = Response.error()
    expect(await store(opaque)).toBe(opaque)
  })

  it('keeps an answer without a body', async () => {
    const response = new Response(null, { status: 204 })
    expect((await store(response)).status).toBe(204)
    // As Chromium has it.
    Object.defineProperty(response, 'body', { value: new ReadableStream() })
    expect((await store(response)).status).toBe(204)
  })
})
