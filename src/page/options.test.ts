import { afterEach, describe, expect, it, vi } from 'vitest'
import { DEFAULT_RETRY } from '../outbox/retry-policy.ts'
import { resolveOptions } from './options.ts'

afterEach(() => vi.unstubAllGlobals())

it('has a default for everything', () => {
  expect(resolveOptions({})).toEqual({ name: 'holdfast', worker: { url: '/sw.js' }, retry: DEFAULT_RETRY })
})

describe('the worker', () => {
  it('is what the plugin built, with its name', () => {
    vi.stubGlobal('__HOLDFAST_WORKER__', { url: '/app/sw.js', scope: '/app/', name: 'notes' })
    expect(resolveOptions({})).toMatchObject({ name: 'notes', worker: { url: '/app/sw.js', scope: '/app/' } })
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    expect(resolveOptions({ name: 'other' })).toMatchObject({ name: 'other', worker: undefined })
    expect(warn.mock.calls[0]?.[0]).toContain('the built worker delivers "notes"')
    expect(resolveOptions({ name: 'other', worker: '/own.js' })).toMatchObject({
      name: 'other',
      worker: { url: '/own.js' },
    })
  })

  it('is none where the app says so, or the plugin built none', () => {
    expect(resolveOptions({ worker: false }).worker).toBeUndefined()
    vi.stubGlobal('__HOLDFAST_WORKER__', false)
    expect(resolveOptions({})).toMatchObject({ name: 'holdfast', worker: undefined })
    expect(resolveOptions({ worker: '/own.js' }).worker).toEqual({ url: '/own.js' })
  })
})

it('merges the retry policy', () => {
  expect(resolveOptions({ retry: { attempts: 3 } }).retry).toEqual({ ...DEFAULT_RETRY, attempts: 3 })
})

it.each([
  [{ worke: '/sw.js' }, /"worke"/],
  [{ name: '' }, /name/],
  [{ worker: 7 }, /worker/],
  [{ retry: { attempts: 0 } }, /retry\.attempts is 0/],
  [{ retry: { baseMs: Number.NaN } }, /retry\.baseMs is NaN/],
  [{ retry: { base: 1 } }, /"retry\.base"/],
])('refuses %j', (options, text) => {
  expect(() => resolveOptions(options as object)).toThrow(
    expect.objectContaining({ code: 'invalid-options', message: expect.stringMatching(text) }),
  )
})
