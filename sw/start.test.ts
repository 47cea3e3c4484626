import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { startHoldfast as Start, WorkerOptions } from './start.ts'

// The drain has its own tests, and needs a database.
vi.mock('./replay.ts', () => ({ startReplay: vi.fn() }))

type Listener = (event: Record<string, unknown>) => void

let listeners: Map<string, Listener>
let skipWaiting: ReturnType<typeof vi.fn>
let startHoldfast: typeof Start

beforeEach(async () => {
  // Workbox looks at `self` while it is imported.
  vi.stubGlobal('self', globalThis)
  vi.stubGlobal('__WB_DISABLE_DEV_LOGS', true)
  listeners = new Map()
  skipWaiting = vi.fn(async () => undefined)
  vi.stubGlobal('addEventListener', (type: string, listener: Listener) => listeners.set(type, listener))
  vi.stubGlobal('registration', { scope: 'https://app.example/app/' })
  vi.stubGlobal('location', new URL('https://app.example/app/sw.js'))
  vi.stubGlobal('skipWaiting', skipWaiting)
  ;({ startHoldfast } = await import('./start.ts'))
})
afterEach(() => vi.unstubAllGlobals())

const MANIFEST = [
  { url: 'index.html', revision: 'abc' },
  { url: 'assets/app-12345678.js', revision: null },
]

describe('startHoldfast', () => {
  it('says what it serves', () => {
    expect(startHoldfast({ name: 'notes', manifest: MANIFEST })).toEqual({
      name: 'notes',
      precached: ['https://app.example/app/index.html', 'https://app.example/app/assets/app-12345678.js'],
      navigationFallback: 'https://app.example/app/index.html',
    })
  })

  it.each<[string, WorkerOptions]>([
    ['it is switched off', { manifest: MANIFEST, navigationFallback: false }],
    ['the manifest is empty, as in development', { navigationFallback: 'index.html' }],
    ['the manifest has no such file', { manifest: MANIFEST, navigationFallback: { url: 'shell.html' } }],
  ])('has no fallback when %s', (_, options) => {
    expect(startHoldfast(options).navigationFallback).toBeUndefined()
  })

  it.each<[string, unknown]>([
    ['a bad rule', { caching: [{ match: '/api/**', strategy: 'fastest' }] }],
    ['a bad fallback', { navigationFallback: 7 }],
    ['a bad rule of the queue', { queue: ['api'] }],
  ])('refuses %s before it listens to anything', (_, options) => {
    expect(() => startHoldfast(options as WorkerOptions)).toThrow(expect.objectContaining({ code: 'invalid-options' }))
    expect(listeners.size).toBe(0)
  })

  it('lets a waiting version go ahead, and ignores messages of others', () => {
    startHoldfast()
    const waitUntil = vi.fn()
    for (const data of [undefined, null, 'SKIP_WAITING', 7, {}, { type: 'OTHER' }]) {
      listeners.get('message')?.({ data, waitUntil })
    }
    expect(skipWaiting).not.toHaveBeenCalled()
    listeners.get('message')?.({ data: { type: 'SKIP_WAITING' }, waitUntil })
    expect(skipWaiting).toHaveBeenCalledOnce()
    expect(waitUntil).toHaveBeenCalledOnce()
  })

  it.each([
    ['a write', '/app/index.html', { method: 'POST' }],
    ['a request that no rule is about', '/app/api/notes', {}],
    ['a file of another app', '/index.html', {}],
    ['another origin', 'https://other.example/app/index.html', {}],
  ])('leaves %s to the browser', (_, path, init) => {
    startHoldfast({ manifest: MANIFEST, caching: [{ match: '/app/rule/**', strategy: 'cache-first' }] })
    const respondWith = vi.fn()
    listeners.get('fetch')?.({ request: new Request(new URL(path, location.href), init), respondWith })
    expect(respondWith).not.toHaveBeenCalled()
  })
})
