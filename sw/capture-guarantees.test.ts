import 'fake-indexeddb/auto'
import { version } from 'uuid'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { HELD_KEY } from '../src/outbox/pause.ts'
import { DEFAULT_RETRY } from '../src/outbox/retry-policy.ts'
import { DEFAULT_SETTINGS } from '../src/outbox/settings.ts'
import { settledKey } from '../src/outbox/settled.ts'
import { createStage, ORIGIN, offline, receiptOf, type Stage, write } from './capture.fixture.ts'
import { markOf, readWrite } from './capture-write.ts'

const DAY_MS = 24 * 60 * 60 * 1000

let stage: Stage

beforeEach(async () => {
  vi.restoreAllMocks()
  stage = await createStage()
  stage.answer = offline
})

const keyed = (body: BodyInit = 'a', headers: Record<string, string> = {}) =>
  write('/api/notes', { headers: { 'idempotency-key': 'my-key', ...headers }, body })
const receipt = async (request: Request) => receiptOf(await stage.answered(request))

describe('a key of the app', () => {
  it('gives an id that names its day, since answers are forgotten in the order of their ids', async () => {
    stage.start()
    const [{ id }, other] = [await receipt(keyed()), await receipt(write('/api/other'))]
    expect([version(id), version(other.id)]).toEqual([7, 7])
    expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(Math.floor(Date.now() / DAY_MS) * DAY_MS)
    expect(id < other.id).toBe(true)
  })

  it.each([1, 30])('is known after %i days, while the write waits', async days => {
    stage.start()
    const first = await receipt(keyed())
    const now = Date.now() + days * DAY_MS
    stage.platform.now = () => now
    expect(await receipt(keyed())).toEqual(first)
    expect(await stage.stored()).toHaveLength(1)
  })

  it('with another body is another write, under the same key: nothing is dropped unseen', async () => {
    stage.start()
    const [first, second] = [await receipt(keyed('a')), await receipt(keyed('b'))]
    expect(second.id).not.toBe(first.id)
    expect((await stage.stored()).map(({ idempotencyKey }) => idempotencyKey)).toEqual(['my-key', 'my-key'])
  })

  it('with a form that is made anew, and so has another boundary, is the same write', async () => {
    stage.start()
    const form = (boundary: string) =>
      keyed(`--${boundary}\r\n\r\na\r\n--${boundary}--`, {
        'content-type': `multipart/form-data; boundary=${boundary}`,
      })
    expect(await receipt(form('one'))).toEqual(await receipt(form('two')))
  })

  it('that was confirmed while the same request failed is not stored again', async () => {
    stage.start()
    const { id } = await receipt(keyed())
    const settle = async () => {
      await stage.storage.mutations.clear()
      const settlement = { kind: 'confirmed', status: 201, headers: {}, body: undefined }
      await stage.storage.meta.setItem(settledKey(id), { at: Date.now(), settlement })
    }
    await stage.storage.mutations.clear()
    stage.answer = async () => {
      await settle()
      throw new TypeError('no network')
    }
    expect(await receipt(keyed())).toEqual({ id, state: 'settled' })
    expect(await stage.stored()).toEqual([])
  })

  it('of a write that was refused for good goes to the server, but not past what waits', async () => {
    stage.start()
    const { id } = await receipt(keyed())
    await stage.storage.mutations.clear()
    const settlement = { kind: 'cancelled' }
    await stage.storage.meta.setItem(settledKey(id), { at: Date.now(), settlement })
    stage.answer = () => new Response(null, { status: 422 })
    expect((await stage.answered(keyed())).status).toBe(422)
    stage.answer = offline
    await receipt(write('/api/notes'))
    const before = stage.sent.length
    expect((await stage.answered(keyed())).type).toBe('error')
    expect(stage.sent).toHaveLength(before)
  })

  it('of a write whose failure the app was told of is answered by success when it is done', async () => {
    stage.start([{ match: '/api/**', otherwise: 'fail' }])
    expect((await stage.answered(keyed())).type).toBe('error')
    expect((await stage.answered(keyed())).type).toBe('error')
    const [{ id = '' } = {}] = await stage.stored()
    await stage.storage.mutations.clear()
    const settlement = { kind: 'confirmed', status: 201, headers: {}, body: undefined }
    await stage.storage.meta.setItem(settledKey(id), { at: Date.now(), settlement })
    expect(await receipt(keyed())).toEqual({ id, state: 'settled' })
  })
})

describe('a server of another origin', () => {
  const rule = { match: 'https://api.example/**' }
  const there = () => write('https://api.example/notes', { mode: 'cors' })

  it.each([
    ['no key by itself', {}, false],
    ['the key where the rule says so', { sendKey: true }, true],
  ])('gets %s, at each attempt', async (_, more, isSent) => {
    stage.start([{ ...rule, ...more }])
    const { id } = await receipt(there())
    expect(stage.sent[0]?.headers.get('idempotency-key')).toBe(isSent ? `"${id}"` : null)
    const [mutation] = await stage.stored()
    expect(mutation?.keyGiven).toBe(isSent || undefined)
    expect(mutation?.idempotencyKey).toBe(isSent ? `"${id}"` : undefined)
    expect(mutation?.entity).toBe('https://api.example/notes')
  })

  it('gets it bare where the app wants it so', async () => {
    const key = { ...DEFAULT_SETTINGS.key, form: 'bare' }
    await stage.storage.meta.setItem('settings', { ...DEFAULT_SETTINGS, key })
    stage.start([{ ...rule, sendKey: true }])
    const { id } = await receipt(there())
    expect(stage.sent[0]?.headers.get('idempotency-key')).toBe(id)
  })
})

describe('a rule', () => {
  it('says how often and how long a write is tried', async () => {
    stage.start([{ match: '/api/**', retry: { attempts: 3, maxAgeMs: 1000 } }])
    await receipt(write('/api/notes'))
    expect((await stage.stored())[0]?.retry).toEqual({ ...DEFAULT_RETRY, attempts: 3, maxAgeMs: 1000 })
  })

  it.each([{ mutations: 1 }, { bytes: 7 }])(
    'says how much may wait (%o): beyond it the failure is the app’s',
    async limits => {
      const warn = vi.spyOn(console, 'warn').mockReturnValue()
      stage.start([{ match: '/api/**', limits }])
      await receipt(write('/api/notes', { body: '12345' }))
      expect((await stage.answered(write('/api/other', { body: '12345' }))).type).toBe('error')
      stage.answer = () => new Response('busy', { status: 503 })
      expect((await stage.answered(write('/api/other', { body: '12345' }))).status).toBe(503)
      expect(await stage.stored()).toHaveLength(1)
      expect(warn).toHaveBeenCalledWith(expect.stringContaining('at its limit'))
    },
  )

  it('counts large bodies, which are stored apart', async () => {
    stage.start()
    const body = new Uint8Array(100_000).fill(7)
    await receipt(write('/api/notes', { body }))
    const [mutation] = await stage.stored()
    expect(mutation?.body).toMatchObject({ kind: 'apart', of: 'bytes', size: 100_000 })
    const blobKey = mutation?.body.kind === 'apart' ? mutation.body.blobKey : ''
    expect(new Uint8Array((await stage.storage.blobs.getItem(blobKey)) as ArrayBuffer)).toEqual(body)
  })
})

it('takes nothing in an address for a reference to an answer', async () => {
  stage.start()
  await receipt(write('/api/%7Bref:a%23/id%7D'))
  expect((await stage.stored())[0]).toMatchObject({ url: `${ORIGIN}/api/%7Bref:a%23/id%7D` })
  expect((await stage.stored())[0]?.references).toBeUndefined()
})

describe('a hold, because the server asked who this is', () => {
  const held = { at: 5, status: 401 }

  it.each([
    ['the app’s own server takes a write', '/api/login', {}, null],
    ['the server refuses', '/api/login', { status: 401 }, held],
    ['another origin takes a write', 'https://api.example/login', {}, held],
  ])('when %s', async (_, url, init, after) => {
    await stage.storage.meta.setItem(HELD_KEY, held)
    stage.start(['/api/**', 'https://api.example/**'])
    stage.answer = () => new Response(null, init)
    await stage.answered(write(url))
    if (after === null) await expect.poll(() => stage.storage.meta.getItem(HELD_KEY)).toBe(null)
    else await new Promise(resolve => setTimeout(resolve, 50))
    expect(await stage.storage.meta.getItem(HELD_KEY)).toEqual(after)
  })

  it('stays where the app has a provider that says who sends', async () => {
    await stage.storage.meta.setItem(HELD_KEY, held)
    await stage.storage.meta.setItem('settings', { ...DEFAULT_SETTINGS, auth: 'session' })
    stage.start(undefined, { auth: { session: { headers: () => undefined } } })
    stage.answer = () => new Response()
    await stage.answered(write('/api/login'))
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(await stage.storage.meta.getItem(HELD_KEY)).toEqual(held)
  })
})

describe('a database that is busy', () => {
  /** Keeps every other transaction over the queue waiting; gives what lets it go. */
  const occupy = async () => {
    let isFree = false
    let done: Promise<void> = Promise.resolve()
    await new Promise<void>(begun => {
      done = stage.storage.transact(['mutations', 'meta', 'dead', 'blobs'], 'readwrite', async tx => {
        while (!isFree) {
          await tx.objectStore('mutations').get('nothing')
          begun()
        }
      })
    })
    return () => {
      isFree = true
      return done
    }
  }
  /** Patience ends at once; attempts have all the time. */
  const impatient = () => {
    stage.platform.timeout = delayMs => AbortSignal.timeout(delayMs === 10_000 ? 50 : delayMs)
  }

  it('keeps no write waiting for ever: it goes to the server as it is', async () => {
    vi.stubGlobal('reportError', vi.fn())
    impatient()
    stage.start()
    stage.answer = () => new Response(null, { status: 201 })
    const free = await occupy()
    const response = await stage.answered(write('/api/notes'))
    expect([response.status, stage.sent[0]?.headers.has('idempotency-key')]).toEqual([201, false])
    await free()
  })

  it('that cannot take a write in time never takes it: the app was told that it failed', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    impatient()
    stage.start()
    let free = async (): Promise<void> => undefined
    stage.answer = async () => {
      free = await occupy()
      return new Response('busy', { status: 503 })
    }
    expect((await stage.answered(write('/api/notes'))).status).toBe(503)
    await free()
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(await stage.stored()).toEqual([])
    expect(warn).toHaveBeenCalled()
  })
})

describe('an app that takes a write back', () => {
  it('before it is stored, where the engine says so, gets nothing stored', async () => {
    const app = new AbortController()
    stage.start()
    await receipt(write('/api/notes'))
    const behind = stage.answered(write('/api/notes', { signal: app.signal }))
    app.abort()
    expect((await behind).type).toBe('error')
    expect(await stage.stored()).toHaveLength(1)
  })

  it('may do so afterwards, as long as it waits', async () => {
    stage.start()
    const { id } = await receipt(write('/api/notes'))
    const address = `${ORIGIN}/.holdfast/${id}`
    expect((await stage.answered(new Request(address, { method: 'DELETE' }))).status).toBe(204)
    expect(await stage.stored()).toEqual([])
    const late = await stage.answered(new Request(address, { method: 'DELETE' }))
    expect([late.status, (await late.json()).settlement]).toEqual([409, { kind: 'cancelled' }])
    const unknown = await stage.answered(new Request(`${ORIGIN}/.holdfast/x`, { method: 'DELETE' }))
    expect(unknown.status).toBe(404)
  })
})

describe('a worker that is killed with a write in hand', () => {
  const hang = () => new Promise<never>(() => undefined)
  const keys = (...stages: Stage[]) =>
    stages.flatMap(({ sent }) => sent.map(({ headers }) => headers.get('idempotency-key')))

  it('leaves it to the next one, which gives it the same key', async () => {
    const first = stage
    first.start()
    first.answer = hang
    void first.respond(write('/api/notes', { body: 'a' }))
    await expect.poll(() => first.sent.length).toBe(1)
    const next = await createStage(first.name)
    next.start()
    next.answer = offline
    const { id } = await receiptOf(await next.answered(write('/api/notes', { body: 'a' })))
    expect(keys(first, next)).toEqual([`"${id}"`, `"${id}"`])
  })

  it('when it is stored already: it is not stored again', async () => {
    const first = stage
    first.start()
    const { id } = await receipt(write('/api/notes', { body: 'a' }))
    // The app has not heard of it: as if the worker were gone just before.
    await forgetThatItWasLetGo(first, id)
    const next = await createStage(first.name)
    next.start()
    expect(await receiptOf(await next.answered(write('/api/notes', { body: 'a' })))).toEqual({ id, state: 'waiting' })
    expect(await next.stored()).toHaveLength(1)
  })

  it.each<[string, Request, number]>([
    ['another body', write('/api/notes', { body: 'b' }), 0],
    ['another address', write('/api/other', { body: 'a' }), 0],
    ['the same when it has run for a while', write('/api/notes', { body: 'a' }), 60_000],
  ])('does not make one write of two: %s', async (_, request, later) => {
    const first = stage
    first.start()
    first.answer = hang
    void first.respond(write('/api/notes', { body: 'a' }))
    await expect.poll(() => first.sent.length).toBe(1)
    const next = await createStage(first.name)
    next.start()
    const now = Date.now() + later
    next.platform.now = () => now
    next.answer = () => new Response()
    await next.answered(request)
    expect(new Set(keys(first, next)).size).toBe(2)
  })

  const marks = async () => (await stage.storage.meta.keys()).filter(key => key.startsWith('in-hand:'))

  it('nor of two that are the same and in hand at the same time, or one after the other', async () => {
    stage.start()
    stage.answer = () => new Response()
    const same = () => stage.answered(write('/api/notes', { body: '+1' }))
    await Promise.all([same(), same()])
    await same()
    await expect.poll(marks).toEqual([])
    const next = await createStage(stage.name)
    next.start()
    next.answer = () => new Response()
    await next.answered(write('/api/notes', { body: '+1' }))
    expect(new Set(keys(stage, next)).size).toBe(4)
    await expect.poll(marks).toEqual([])
  })
})

/** Puts back the note of a write that is in hand, as another worker had it. */
async function forgetThatItWasLetGo({ storage }: Stage, id: string): Promise<void> {
  const request = write('/api/notes', { body: 'a' })
  const mark = await markOf(await readWrite(request), 'a-tab')
  await storage.meta.setItem(`in-hand:${mark}|${id}`, { life: 'another', at: Date.now() })
}
