import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Mutation } from '../protocol/mutation.ts'
import { createEngine, type Engine } from './engine.fixture.ts'
import { DEFAULT_SETTINGS, type KeySettings } from './settings.ts'

let engine: Engine

beforeEach(async () => {
  engine = await createEngine()
})

afterEach(() => engine.close())

const key = (changes: Partial<KeySettings>) => engine.settings({ key: { ...DEFAULT_SETTINGS.key, ...changes } })
const keysByPath = () => Object.fromEntries(engine.sent.map(one => [one.path, one.headers.get('idempotency-key')]))

describe('the idempotency key', () => {
  it('goes to the own origin and to those that the app names; elsewhere it would fail the preflight', async () => {
    await key({ origins: ['https://api.example'] })
    const [own, friend] = await engine.record('/own', 'https://api.example/friend', 'https://else.example/stranger')
    await engine.drain()
    expect(keysByPath()).toEqual({ '/own': `"${own}"`, '/friend': `"${friend}"`, '/stranger': null })
  })

  it('of another port or scheme is for another origin', async () => {
    await engine.record('https://app.example:8443/port', 'http://app.example/scheme')
    await engine.drain()
    expect(keysByPath()).toEqual({ '/port': null, '/scheme': null })
  })

  it('has the name and the form that the app chose', async () => {
    await key({ header: 'X-Request-Id', form: 'bare' })
    const [id] = await engine.record('/a')
    await engine.drain()
    expect(engine.sent[0]?.headers.get('x-request-id')).toBe(id)
    expect(engine.sent[0]?.headers.has('idempotency-key')).toBe(false)
  })

  it('is the one of its own that an edited mutation has, and the same on every attempt', async () => {
    const [id = ''] = await engine.record('/a')
    const [mutation] = await engine.queue()
    const edited = { ...mutation, idempotencyKey: 'edited-1' } as Mutation
    await engine.storage.mutations.setItem(edited.key, edited)
    engine.answer = (_request, nth) => new Response(null, { status: nth === 1 ? 503 : 200 })
    await engine.drainFor({ budgetMs: 60_000, eager: false })
    expect(engine.sent.map(request => request.key)).toEqual(['"edited-1"', '"edited-1"'])
    expect(await engine.find(id)).toBeUndefined()
  })
})

describe('a key that the app gave itself', () => {
  it('is sent as it was, whatever the settings say, and to whatever origin', async () => {
    await engine.record('/own', 'https://else.example/stranger')
    for (const mutation of await engine.queue()) {
      const given = { ...mutation, idempotencyKey: 'given-1', keyGiven: true } as Mutation
      await engine.storage.mutations.setItem(given.key, given)
    }
    await engine.drain()
    expect(keysByPath()).toEqual({ '/own': 'given-1', '/stranger': 'given-1' })
  })
})

describe('the request', () => {
  it('has the credentials mode of the caller, and else none', async () => {
    await engine.record({ url: '/include', credentials: 'include' }, { url: '/omit', credentials: 'omit' }, '/plain')
    await engine.drain()
    const modes = Object.fromEntries(engine.sent.map(({ path, credentials }) => [path, credentials]))
    expect(modes).toEqual({ '/include': 'include', '/omit': 'omit', '/plain': undefined })
  })

  it('has the recorded headers, and those of the provider in their place', async () => {
    await engine.settings({ auth: 'one' })
    await engine.record({ url: '/a', headers: { 'x-who': 'recorded', 'x-what': 'kept' } })
    await engine.drain({ ports: { handlers: { auth: { one: { headers: () => ({ 'x-who': 'provider' }) } } } } })
    expect(engine.sent[0]?.headers.get('x-who')).toBe('provider')
    expect(engine.sent[0]?.headers.get('x-what')).toBe('kept')
  })

  it('is ended at the deadline of its run', async () => {
    await engine.record('/a')
    const deadline = engine.time.now() + 20_000
    engine.answer = () => new Promise(() => undefined)
    await engine.drain({ deadline })
    expect(engine.sent[0]?.signal?.aborted).toBe(true)
    expect(engine.time.now()).toBe(deadline)
    expect(await engine.queue()).toMatchObject([{ attempts: 0, lastError: { code: 'timeout' } }])
  })

  it('is given up after two minutes, however long the run may last', async () => {
    await engine.record('/a')
    const startedAt = engine.time.now()
    engine.answer = () => new Promise(() => undefined)
    await engine.drain()
    expect(engine.time.now() - startedAt).toBe(120_000)
  })
})
