import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ReadPlace } from './read-part.ts'
import type { RunningRule } from './rule-routes.ts'

// Workbox looks at `self` while it is imported.
beforeEach(() => vi.stubGlobal('self', globalThis))
afterEach(() => vi.unstubAllGlobals())

describe('a device without room', () => {
  it('loses one cache, also when another answer finds none meanwhile, and the next when that was not enough', async () => {
    const { makeRoom } = await import('./make-room.ts')
    const { executeQuotaErrorCallbacks } = await import('workbox-core/_private/executeQuotaErrorCallbacks.js')
    const caches = new Map([
      ['worthless', ['/a']],
      ['dear', ['/b']],
    ])
    const cacheOf = (name: string) => ({
      keys: async () => [...(caches.get(name) ?? [])],
      // A browser does one thing after the other with a cache: whoever asks meanwhile finds nothing in it.
      delete: () => {
        caches.set(name, [])
        return isDeleted
      },
    })
    let finish = () => {}
    const isDeleted = new Promise<void>(resolve => {
      finish = resolve
    })
    const scope = {
      caches: { open: async (name: string) => cacheOf(name) },
      navigator: { storage: { estimate: async () => ({ quota: 100, usage: 0 }) } },
    }
    const rules = [
      { cacheName: 'dear', rule: { priority: 1 } },
      { cacheName: 'worthless', rule: {} },
    ]
    makeRoom.start?.(rules as unknown as RunningRule[], { scope } as unknown as ReadPlace)

    const first = executeQuotaErrorCallbacks()
    await vi.waitFor(() => expect(caches.get('worthless')).toEqual([]))
    const second = executeQuotaErrorCallbacks()
    await new Promise(resolve => setTimeout(resolve))
    finish()
    await Promise.all([first, second])
    expect([...caches]).toEqual([
      ['worthless', []],
      ['dear', ['/b']],
    ])
    await executeQuotaErrorCallbacks()
    expect(caches.get('dear')).toEqual([])
  })
})
