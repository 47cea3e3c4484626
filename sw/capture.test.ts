import 'fake-indexeddb/auto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Handlers } from '../src/outbox/handlers.ts'
import { identify } from '../src/outbox/principal.ts'
import { DEFAULT_SETTINGS } from '../src/outbox/settings.ts'
import { deliveryAddress } from '../src/protocol/own-request.ts'
import { createChannel } from '../src/tabs/channel.ts'
import { createStage, ORIGIN, offline, receiptOf, type Stage, write } from './capture.fixture.ts'

let stage: Stage

beforeEach(async () => {
  vi.restoreAllMocks()
  stage = await createStage()
})

describe('what reaches the server', () => {
  it('is answered by it, and nothing is kept', async () => {
    stage.start()
    const response = await stage.answered(write('/api/notes', { body: 'a', headers: { 'x-own': 'yes' } }))
    expect([response.status, await response.text()]).toEqual([201, 'done'])
    expect(await stage.sent[0]?.text()).toBe('a')
    expect(stage.sent[0]?.headers.get('x-own')).toBe('yes')
    expect(stage.sent[0]?.headers.get('idempotency-key')).toMatch(/^"[\w-]{36}"$/)
    expect(await stage.stored()).toEqual([])
  })

  it.each([400, 401, 404, 409, 412, 422, 501])(
    'and is refused by it with %i is the business of the app',
    async status => {
      stage.start()
      stage.answer = () => new Response('no', { status })
      const response = await stage.answered(write('/api/notes'))
      expect([response.status, await response.text()]).toEqual([status, 'no'])
      expect(await stage.stored()).toEqual([])
    },
  )
})

describe('what does not reach it', () => {
  it('is kept, with the key that its first attempt had', async () => {
    stage.start()
    stage.answer = offline
    const told: string[] = []
    const channel = createChannel(stage.name)
    channel.onMessage(({ type }) => told.push(type))
    const headers = { 'content-type': 'application/json', cookie: 'a=b', 'user-agent': 'x', 'x-own': 'yes' }
    const response = await stage.answered(write('/api/notes?x=1', { method: 'PUT', body: '{ "text":"a" }', headers }))
    const { id, state } = await receiptOf(response)
    expect(state).toBe('waiting')
    const [mutation] = await stage.stored()
    expect(mutation).toMatchObject({
      id,
      url: `${ORIGIN}/api/notes?x=1`,
      method: 'PUT',
      body: { kind: 'json', text: '{ "text":"a" }' },
      entity: '/api/notes',
      attempts: 0,
      failures: 1,
      lastError: { code: 'network' },
    })
    expect(mutation?.headers).toEqual([
      ['content-type', 'application/json'],
      ['x-own', 'yes'],
    ])
    expect(stage.sent[0]?.headers.get('idempotency-key')).toBe(`"${id}"`)
    await expect.poll(() => told).toContain('appended')
    expect(stage.tags).toEqual([`${stage.name}:drain:0`])
    channel.close()
  })

  it.each([408, 425, 429, 500, 502, 503, 504])('is what is answered with %i, too', async status => {
    stage.start()
    stage.answer = () => new Response(null, { status, headers: { 'retry-after': '120' } })
    const { id } = await receiptOf(await stage.answered(write('/api/notes')))
    const [mutation] = await stage.stored()
    expect(mutation).toMatchObject({ id, attempts: 1, lastError: { code: 'status', status } })
    expect(Number(mutation?.nextAttemptAt) - Date.now()).toBeGreaterThan(110_000)
  })

  it('is what takes longer than the rule allows', async () => {
    stage.start([{ match: '/api/**', timeoutMs: 20 }])
    stage.answer = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
    await receiptOf(await stage.answered(write('/api/notes')))
    expect(await stage.stored()).toMatchObject([{ lastError: { code: 'timeout' } }])
  })

  it('is kept byte for byte, a file in a form with its boundary', async () => {
    stage.start()
    stage.answer = offline
    const form = new FormData()
    form.set('photo', new File([Uint8Array.from({ length: 256 }, (_, index) => index)], 'rocks.png'))
    const request = write('/api/photos', { body: form })
    const bytes = await request.clone().arrayBuffer()
    await receiptOf(await stage.answered(request))
    const [mutation] = await stage.stored()
    expect(mutation?.body).toEqual({ kind: 'bytes', bytes })
    expect(mutation?.headers).toEqual([['content-type', request.headers.get('content-type')]])
  })

  it('is not kept where the app took it back', async () => {
    stage.start()
    const app = new AbortController()
    stage.answer = async () => {
      app.abort()
      return offline()
    }
    expect((await stage.answered(write('/api/notes', { signal: app.signal }))).type).toBe('error')
    expect(await stage.stored()).toEqual([])
  })

  it('is told as the failure that it is, where the rule says so, and kept all the same', async () => {
    stage.start([{ match: '/api/**', otherwise: 'fail' }])
    stage.answer = () => new Response('busy', { status: 503 })
    const first = await stage.answered(write('/api/notes'))
    expect([first.status, await first.text()]).toEqual([503, 'busy'])
    expect((await stage.answered(write('/api/notes'))).type).toBe('error')
    expect(await stage.stored()).toHaveLength(2)
  })

  it('is told as the failure that it is where it cannot be kept', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    stage.start([{ match: '/api/**', handler: 'bad' }], { captures: { bad: () => ({ priority: 0.5 }) } })
    stage.answer = () => new Response('busy', { status: 503 })
    expect((await stage.answered(write('/api/notes'))).status).toBe(503)
    stage.answer = offline
    expect((await stage.answered(write('/api/notes'))).type).toBe('error')
    expect(await stage.stored()).toEqual([])
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('priority'))
  })

  it('is whose it is', async () => {
    await identify(stage.storage, 'ada')
    stage.start()
    stage.answer = offline
    await receiptOf(await stage.answered(write('/api/notes')))
    await receiptOf(await stage.answered(write('/api/notes')))
    expect(await stage.stored()).toMatchObject([{ principal: 'ada' }, { principal: 'ada' }])
    expect(stage.sent).toHaveLength(1)
  })
})

describe('the order', () => {
  it('holds behind what waits: later writes of the entity are not sent', async () => {
    stage.start()
    stage.answer = offline
    await receiptOf(await stage.answered(write('/api/notes', { body: '1' })))
    stage.answer = () => new Response()
    await receiptOf(await stage.answered(write('/api/notes', { body: '2' })))
    expect((await stage.answered(write('/api/tags'))).status).toBe(200)
    expect(stage.sent.map(({ url }) => new URL(url).pathname)).toEqual(['/api/notes', '/api/tags'])
    const [first, second] = await stage.stored()
    expect([first?.key[0], second?.key[0]]).toEqual(['2', '3'])
    expect(second).toMatchObject({ attempts: 0, failures: 0 })
  })

  it('is that of the calls, however long each takes to fail', async () => {
    stage.start([{ match: '/api/**', entity: 'all' }])
    const failures: (() => void)[] = []
    stage.answer = () => new Promise((_, reject) => failures.push(() => reject(new TypeError('no network'))))
    const responses = ['/api/1', '/api/2', '/api/3'].map(path => stage.answered(write(path)))
    await expect.poll(() => failures.length).toBe(3)
    const order = stage.sent.map(({ url }) => url)
    failures[order.indexOf(`${ORIGIN}/api/3`)]?.()
    failures[order.indexOf(`${ORIGIN}/api/2`)]?.()
    failures[order.indexOf(`${ORIGIN}/api/1`)]?.()
    await Promise.all(responses)
    expect((await stage.stored()).map(({ url }) => url.slice(-1))).toEqual(['1', '2', '3'])
  })
})

describe('a client that tries again by itself', () => {
  const again = (path = '/api/notes', key = 'my-key') => write(path, { headers: { 'idempotency-key': key }, body: 'a' })

  it('gets the same receipt, and its key is sent as it was', async () => {
    stage.start()
    stage.answer = offline
    const first = await receiptOf(await stage.answered(again()))
    expect(await receiptOf(await stage.answered(again()))).toEqual(first)
    expect(stage.sent.map(({ headers }) => headers.get('idempotency-key'))).toEqual(['my-key'])
    expect(await stage.stored()).toMatchObject([{ idempotencyKey: 'my-key', keyGiven: true }])
  })

  it('gets the same receipt when both were on their way at once', async () => {
    stage.start()
    const failures: (() => void)[] = []
    stage.answer = () => new Promise((_, reject) => failures.push(() => reject(new TypeError('no network'))))
    const responses = [stage.answered(again()), stage.answered(again())] as const
    await expect.poll(() => failures.length).toBe(2)
    for (const fail of failures) fail()
    const [first, second] = await Promise.all(responses)
    expect(await receiptOf(first)).toEqual(await receiptOf(second))
    expect(await stage.stored()).toHaveLength(1)
  })

  it('means another write where the address is another one', async () => {
    stage.start()
    stage.answer = offline
    const first = await receiptOf(await stage.answered(again()))
    const second = await receiptOf(await stage.answered(again('/api/other')))
    expect(second.id).not.toBe(first.id)
  })

  it('may write its key as the draft says: it is the same', async () => {
    stage.start()
    stage.answer = offline
    const first = await receiptOf(await stage.answered(again('/api/notes', '"my-key"')))
    expect(await receiptOf(await stage.answered(again()))).toEqual(first)
    expect(stage.sent.map(({ headers }) => headers.get('idempotency-key'))).toEqual(['"my-key"'])
    expect(await stage.stored()).toMatchObject([{ idempotencyKey: '"my-key"' }])
  })

  it('means another write by another key, and neither is joined with the other', async () => {
    stage.start([{ match: '/api/**', coalesce: 'replace' }])
    stage.answer = offline
    for (const key of ['1', '2', '3']) await stage.answered(new Request(again('/api/notes', key), { method: 'PUT' }))
    expect((await stage.stored()).map(({ idempotencyKey }) => idempotencyKey)).toEqual(['1', '2', '3'])
  })
})

describe('the state of a kept write', () => {
  it('is at its location', async () => {
    stage.start()
    stage.answer = offline
    const response = await stage.answered(write('/api/notes', { body: 'a' }))
    const state = await stage.answered(new Request(String(response.headers.get('location'))))
    expect(await state.json()).toMatchObject({ state: 'waiting', method: 'POST', url: `${ORIGIN}/api/notes` })
  })

  it('is unknown where there is no such write', async () => {
    stage.start()
    const state = await stage.answered(new Request(`${ORIGIN}/.holdfast/nothing`))
    expect([state.status, await state.json()]).toEqual([404, { id: 'nothing', state: 'unknown' }])
  })
})

describe('a form', () => {
  const form = (referrer: string) => {
    const request = write('/api/notes', { body: new URLSearchParams({ text: 'a' }) })
    return Object.defineProperties(request, { mode: { value: 'navigate' }, referrer: { value: referrer } })
  }

  it.each([
    [undefined, `${ORIGIN}/form?a=b&holdfast=`],
    ['saved.html', `${ORIGIN}/saved.html?holdfast=`],
  ])('leads to a page with the receipt in its address (%s)', async (page, location) => {
    stage.start([{ match: '/api/**', page }])
    stage.answer = offline
    const response = await stage.answered(form(`${ORIGIN}/form?a=b`))
    const [mutation] = await stage.stored()
    expect([response.status, response.headers.get('location')]).toEqual([303, `${location}${mutation?.id}`])
  })

  it.each(['', 'https://evil.example/'])('of a page that is not of this app is left to the browser (%s)', referrer => {
    stage.start()
    expect(stage.respond(form(referrer))).toBeUndefined()
  })
})

describe('what is left alone', () => {
  it.each([
    ['a read', () => new Request(`${ORIGIN}/api/notes`)],
    ['what no rule is about', () => write('/other')],
    ['another origin', () => write('https://other.example/api/notes')],
    ['what a page delivers of its outbox', () => write(deliveryAddress('/api/notes'))],
    ['a write without CORS to a listed origin', () => write('https://listed.example/x', { mode: 'no-cors' })],
  ])('%s', (_, request) => {
    stage.start(['/api/**', 'https://listed.example/**'])
    expect(stage.respond(request())).toBeUndefined()
  })

  it('other methods than the rule names', () => {
    stage.start([{ match: '/api/**', methods: ['PUT'] }])
    expect(stage.respond(write('/api/notes'))).toBeUndefined()
    expect(stage.respond(write('/api/notes', { method: 'PUT' }))).toBeDefined()
  })

  it.each<[string, (request: Request) => void, Handlers | undefined]>([
    ['a body that cannot be read', request => vi.spyOn(request, 'clone').mockThrow(new TypeError('used')), undefined],
    ['what the handler does not want', () => undefined, { captures: { own: () => false } }],
    ['what the handler fails at', () => undefined, { captures: { own: () => JSON.parse('{') } }],
  ])('%s: it is sent as it is', async (_, change, handlers) => {
    vi.stubGlobal('reportError', vi.fn())
    stage.start([{ match: '/api/**', ...(handlers && { handler: 'own' }) }], handlers)
    const request = write('/api/notes')
    change(request)
    stage.answer = offline
    await expect(stage.answered(request)).rejects.toThrow('no network')
    expect(stage.sent[0]?.headers.has('idempotency-key')).toBe(false)
    expect(await stage.stored()).toEqual([])
  })

  it('what is signed by a header, as long as nothing says who would send it later', async () => {
    vi.spyOn(console, 'warn').mockReturnValue()
    stage.start()
    stage.answer = offline
    const signed = () => write('/api/notes', { headers: { authorization: 'Bearer secret' } })
    await expect(stage.answered(signed())).rejects.toThrow('no network')
    await stage.storage.meta.setItem('settings', { ...DEFAULT_SETTINGS, auth: 'session' })
    await receiptOf(await stage.answered(signed()))
    expect(JSON.stringify(await stage.stored())).not.toContain('secret')
  })
})

describe('the terms', () => {
  it('are those of the handler before those of the rule', async () => {
    const own = vi.fn(() => ({ entity: 'note:7', priority: undefined }))
    stage.start([{ match: '/api/**', handler: 'own', priority: 3, entity: 'notes' }], { captures: { own } })
    stage.answer = offline
    await stage.answered(write('/api/notes', { body: '{"id":7}', headers: { 'content-type': 'application/json' } }))
    expect(await stage.stored()).toMatchObject([{ entity: 'note:7', priority: 3 }])
    expect(own).toHaveBeenCalledWith(expect.objectContaining({ method: 'POST', url: new URL('/api/notes', ORIGIN) }))
  })

  it('join what waits and was never sent, where they say so', async () => {
    stage.start([{ match: '/api/**', coalesce: 'replace' }])
    stage.answer = offline
    for (const body of ['1', '2', '3']) await stage.answered(write('/api/draft', { method: 'PUT', body }))
    const bodies = (await stage.stored()).map(
      ({ body }) => body.kind === 'bytes' && new TextDecoder().decode(body.bytes),
    )
    expect(bodies).toEqual(['1', '3'])
  })

  it('must name a handler that there is', () => {
    expect(() => stage.start([{ match: '/api/**', handler: 'none' }])).toThrow(
      expect.objectContaining({ code: 'invalid-options' }),
    )
  })
})
