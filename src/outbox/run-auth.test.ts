import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { STORES } from '../protocol/names.ts'
import { createEngine, type Engine, OWN_ORIGIN } from './engine.fixture.ts'
import type { AuthProvider, AuthRequest, Handlers } from './handlers.ts'
import { HELD_KEY, resume } from './pause.ts'
import { createRunAuth } from './run-auth.ts'

let engine: Engine

beforeEach(async () => {
  engine = await createEngine()
  await engine.settings({ auth: 'session' })
})

afterEach(() => engine.close())

const answering = (status: number) => new Response(null, { status })
const drainWith = (session: AuthProvider) => engine.drain({ ports: { handlers: { auth: { session } } } })
const tokens = () => engine.sent.map(({ headers }) => headers.get('authorization'))
/** Whatever is on the device, as text. */
const stored = async () => {
  const all = await Promise.all(STORES.map(name => engine.storage[name].range()))
  return JSON.stringify(all)
}

describe('the headers of the auth provider', () => {
  it('are added at send time, and stored nowhere', async () => {
    await engine.record('/a', '/b')
    engine.answer = async ({ path }) => {
      expect(await engine.time.busy(stored())).not.toContain('secret-token')
      return answering(path === '/b' ? 503 : 200)
    }
    await drainWith({ headers: () => ({ authorization: 'Bearer secret-token' }) })
    expect(tokens()).toEqual(['Bearer secret-token', 'Bearer secret-token'])
    expect(await stored()).not.toContain('secret-token')
  })

  it('are asked for at each attempt, with what is to be sent', async () => {
    const [id] = await engine.record({ url: '/a', method: 'PUT' })
    const asked: AuthRequest[] = []
    engine.answer = (_request, nth) => answering(nth === 1 ? 503 : 200)
    const provider: AuthProvider = {
      headers: async request => {
        asked.push(request)
        return { authorization: `token ${asked.length}` }
      },
    }
    await drainWith(provider)
    engine.time.set(engine.time.now() + 60_000)
    await drainWith(provider)
    expect(asked).toEqual(Array(2).fill({ url: `${OWN_ORIGIN}/a`, method: 'PUT', id, principal: undefined }))
    expect(tokens()).toEqual(['token 1', 'token 2'])
  })

  it('go to the own origin and to those that the provider names, and nowhere else', async () => {
    await engine.record('/own', 'https://api.example/friend', 'https://else.example/stranger')
    const asked: string[] = []
    const result = await drainWith({
      origins: ['https://api.example'],
      headers: ({ url }) => {
        asked.push(new URL(url).pathname)
        return { authorization: 'mine', 'x-tenant': 'one' }
      },
    })
    expect(result).toMatchObject({ synced: 3 })
    const byPath = Object.fromEntries(engine.sent.map(({ path, headers }) => [path, [...headers.keys()]]))
    expect(byPath['/own']).toEqual(expect.arrayContaining(['authorization', 'x-tenant']))
    expect(byPath['/friend']).toEqual(expect.arrayContaining(['authorization', 'x-tenant']))
    expect(byPath['/stranger']).not.toContain('authorization')
    expect(byPath['/stranger']).not.toContain('x-tenant')
    expect(asked.sort()).toEqual(['/friend', '/own'])
  })
})

describe('401', () => {
  it('asks for a refresh once for all that are under way, and sends them again under the same key', async () => {
    await engine.record('/first', '/1', '/2', '/3')
    let token = 'old'
    let refreshes = 0
    engine.answer = async ({ path, headers }) => {
      if (path === '/first') return answering(200)
      await engine.time.sleep(50)
      return answering(headers.get('authorization') === 'new' ? 200 : 401)
    }
    const result = await drainWith({
      headers: () => ({ authorization: token }),
      async refresh() {
        refreshes += 1
        await engine.time.sleep(500)
        token = 'new'
        return true
      },
    })
    expect(result).toMatchObject({ synced: 4, remaining: 0 })
    expect(refreshes).toBe(1)
    expect(engine.most).toBeGreaterThan(1)
    for (const path of ['/1', '/2']) {
      const [first, second, ...rest] = engine.sent.filter(request => request.path === path)
      expect([first?.headers.get('authorization'), second?.headers.get('authorization')]).toEqual(['old', 'new'])
      expect(second?.key).toBe(first?.key)
      expect(rest).toEqual([])
    }
    expect(await engine.meta(HELD_KEY)).toBeUndefined()
  })

  const refusals: [string, AuthProvider['refresh']][] = [
    ['gives false', () => false],
    ['gives something else', () => 'yes' as unknown as boolean],
    ['throws', () => Promise.reject(new Error('no network'))],
    ['is missing', undefined],
  ]
  for (const [how, refresh] of refusals) {
    it(`holds the queue at no cost where refresh() ${how}`, async () => {
      await engine.record('/a', '/b')
      engine.answer = () => answering(401)
      const result = await drainWith({ headers: () => ({ authorization: 'old' }), ...(refresh && { refresh }) })
      expect(result).toMatchObject({ synced: 0, failed: 0, remaining: 2 })
      expect(engine.paths()).toEqual(['/a'])
      expect(await engine.meta(HELD_KEY)).toMatchObject({ status: 401 })
      expect(await engine.queue()).toMatchObject([{ attempts: 0, lastError: { status: 401 } }, { attempts: 0 }])
    })
  }

  it('after a refresh holds the queue, and asks no second time', async () => {
    const [id] = await engine.record('/a')
    let refreshes = 0
    engine.answer = () => answering(401)
    const provider = {
      headers: () => ({ authorization: 'any' }),
      refresh() {
        refreshes += 1
        return true
      },
    }
    await drainWith(provider)
    expect(engine.paths()).toEqual(['/a', '/a'])
    expect(refreshes).toBe(1)
    expect(await engine.meta(HELD_KEY)).toMatchObject({ status: 401 })
    expect(await engine.queue()).toMatchObject([{ attempts: 0 }])
    engine.answer = () => answering(200)
    await resume(engine.storage)
    expect(await drainWith(provider)).toMatchObject({ synced: 1 })
    expect(engine.sent.map(({ key }) => key)).toEqual(Array(3).fill(`"${id}"`))
  })

  it('of an origin that the provider has no business with asks it for no headers', async () => {
    await engine.record('https://else.example/a')
    engine.answer = () => answering(401)
    await drainWith({ headers: () => ({ authorization: 'mine' }), refresh: () => true })
    expect(tokens().every(token => token === null)).toBe(true)
  })
})

describe('a provider that throws', () => {
  it('costs no attempt: nothing is sent, and it is tried again later', async () => {
    await engine.record({ url: '/a', onUncertain: 'hold' })
    let isBroken = true
    const provider: AuthProvider = {
      async headers() {
        if (isBroken) throw new Error('the token store is locked')
        return { authorization: 'mine' }
      },
    }
    const result = await drainWith(provider)
    expect(engine.sent).toEqual([])
    expect(result.nextAttemptAt).toBeGreaterThan(engine.time.now())
    const [waiting] = await engine.queue()
    expect(waiting).toMatchObject({ attempts: 0, lastError: { message: expect.stringContaining('token store') } })
    expect(waiting?.held).toBeUndefined()

    isBroken = false
    engine.time.set(engine.time.now() + 60_000)
    expect(await drainWith(provider)).toMatchObject({ synced: 1, remaining: 0 })
  })
})

describe('a provider that this context does not have', () => {
  const without: (Handlers | undefined)[] = [
    undefined,
    {},
    { auth: {} },
    { auth: { other: { headers: () => undefined } } },
  ]
  for (const handlers of without) {
    it(`makes the drain reject, sends nothing and loses nothing: ${JSON.stringify(handlers)}`, async () => {
      await engine.record('/a')
      const drained = engine.drain({ ports: { handlers } })
      await expect(drained).rejects.toMatchObject({ code: 'invalid-options' })
      expect(engine.sent).toEqual([])
      expect(await engine.queue()).toHaveLength(1)
      expect(await drainWith({ headers: () => undefined })).toMatchObject({ synced: 1 })
    })
  }

  it('is not found among what every object has', async () => {
    await engine.settings({ auth: 'constructor' })
    await engine.record('/a')
    await expect(engine.drain({ ports: { handlers: { auth: {} } } })).rejects.toMatchObject({ code: 'invalid-options' })
  })
})

describe('createRunAuth', () => {
  it('takes a refresh that came meanwhile for everybody who sent the old headers', async () => {
    let refreshes = 0
    const { signal } = new AbortController()
    const auth = createRunAuth({ headers: () => undefined, refresh: () => ++refreshes > 0 }, OWN_ORIGIN)
    const before = auth.generation()
    expect(
      await Promise.all([auth.hasNewer({ generation: before }, signal), auth.hasNewer({ generation: before }, signal)]),
    ).toEqual([true, true])
    expect(await auth.hasNewer({ generation: before }, signal)).toBe(true)
    expect(refreshes).toBe(1)
    expect(await auth.hasNewer({ generation: auth.generation() }, signal)).toBe(true)
    expect(refreshes).toBe(2)
  })
})
