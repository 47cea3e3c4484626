import { afterEach, describe, expect, it, vi } from 'vitest'
import { DEFAULT_RETRY } from '../outbox/retry-policy.ts'
import { DEFAULT_SETTINGS } from '../outbox/settings.ts'
import { type HoldfastOptions, resolveOptions } from './options.ts'

afterEach(() => vi.unstubAllGlobals())

const resolve = (options: HoldfastOptions) => resolveOptions(options, 'https://app.example/notes/')

it('has a default for everything', () => {
  expect(resolve({})).toEqual({
    name: 'holdfast',
    worker: { url: '/sw.js' },
    principal: undefined,
    limits: { mutations: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
    retry: DEFAULT_RETRY,
    handlers: {},
    settings: DEFAULT_SETTINGS,
  })
})

describe('the worker', () => {
  it('is what the plugin built, with its name', () => {
    vi.stubGlobal('__HOLDFAST_WORKER__', { url: '/app/sw.js', scope: '/app/', name: 'notes' })
    expect(resolve({})).toMatchObject({ name: 'notes', worker: { url: '/app/sw.js', scope: '/app/' } })
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    expect(resolve({ name: 'other' })).toMatchObject({ name: 'other', worker: undefined })
    expect(warn.mock.calls[0]?.[0]).toContain('the built worker delivers "notes"')
    expect(resolve({ name: 'other', worker: '/own.js' })).toMatchObject({ name: 'other', worker: { url: '/own.js' } })
  })

  it('is none where the app says so, or the plugin built none', () => {
    expect(resolve({ worker: false }).worker).toBeUndefined()
    vi.stubGlobal('__HOLDFAST_WORKER__', false)
    expect(resolve({})).toMatchObject({ name: 'holdfast', worker: undefined })
    expect(resolve({ worker: '/own.js' }).worker).toEqual({ url: '/own.js' })
  })
})

it('merges what it is given with the defaults', () => {
  expect(resolve({ retry: { attempts: 3 } }).retry).toEqual({ ...DEFAULT_RETRY, attempts: 3 })
  expect(resolve({ idempotency: { form: 'bare' } }).settings.key).toEqual({ ...DEFAULT_SETTINGS.key, form: 'bare' })
  expect(resolve({ limits: { mutations: 5 } }).limits).toEqual({ mutations: 5, bytes: Number.POSITIVE_INFINITY })
})

describe('the pace', () => {
  const paceOf = (pace: HoldfastOptions['pace']) => resolve({ pace }).settings.pace

  it('lets the default of one bound give way to the other', () => {
    expect(paceOf({ concurrency: { max: 3 } }).concurrency).toEqual({ min: 1, max: 3 })
    expect(paceOf({ concurrency: { min: 8 } }).concurrency).toEqual({ min: 8, max: 8 })
  })

  it('has the endpoint as an absolute address, since the worker knows no page', () => {
    expect(paceOf({ endpoint: '/api/batch' }).endpoint).toBe('https://app.example/api/batch')
  })
})

it.each([
  [{ worke: '/sw.js' }, /"worke"/],
  [{ name: '' }, /name is ""/],
  [{ worker: 7 }, /worker is 7/],
  [{ retry: { attempts: 0 } }, /retry\.attempts is 0/],
  [{ retry: { baseMs: Number.NaN } }, /retry\.baseMs is NaN/],
  [{ retry: { base: 1 } }, /"retry\.base"/],
  [{ pace: { batchSize: 1.5 } }, /pace\.batchSize is 1\.5.*whole number/],
  [{ pace: { delayMs: -1 } }, /pace\.delayMs is -1/],
  [{ pace: { concurrency: { min: 4, max: 2 } } }, /min \(4\) is above its max \(2\)/],
  [{ pace: { concurrency: 6 } }, /pace\.concurrency is 6/],
  [{ pace: { endpoint: 'ftp://x' } }, /pace\.endpoint is "ftp:\/\/x"/],
  [{ pace: [] }, /pace is/],
  [{ limits: { mutations: '5' } }, /limits\.mutations is "5"/],
  [{ principal: '' }, /principal is ""/],
  [{ forbidden: 'maybe' }, /forbidden is "maybe".*refused or hold/],
  [{ idempotency: { origins: 'https://x' } }, /idempotency\.origins is "https:\/\/x"/],
  [{ auth: 'session' }, /there is no auth "session" among the handlers/],
  [{ judge: 'api', handlers: { judges: {} } }, /there is no judge "api" among the handlers/],
])('refuses %j', (options, text) => {
  expect(() => resolve(options as object)).toThrow(
    expect.objectContaining({ code: 'invalid-options', message: expect.stringMatching(text) }),
  )
})

it('takes handlers that are there', () => {
  const handlers = { auth: { session: { headers: () => undefined } }, judges: { api: () => undefined } }
  expect(resolve({ handlers, auth: 'session', judge: 'api' }).settings).toMatchObject({ auth: 'session', judge: 'api' })
})
