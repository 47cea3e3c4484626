import { describe, expect, it } from 'vitest'
import type { CachingRule } from '../../src/protocol/caching.ts'
import { evict } from './evict.ts'
import type { RunningRule } from './rule-routes.ts'

type Rules = [cacheName: string, rule: Partial<CachingRule>, bytes: number][]

/** Deletes until there is room on a device that gives 100 bytes, and tells what is gone. */
async function evicted(rules: Rules): Promise<string[]> {
  const gone: string[] = []
  const left = () => rules.filter(([name]) => !gone.includes(name))
  const cacheOf = (name: string) => ({
    keys: async () => (left().some(([one, , bytes]) => one === name && bytes > 0) ? ['/a'] : []),
    delete: async () => gone.push(name),
  })
  const usage = () => left().reduce((sum, [, , bytes]) => sum + bytes, 0)
  const scope = {
    caches: { open: async (name: string) => cacheOf(name) },
    navigator: { storage: { estimate: async () => ({ quota: 100, usage: usage() }) } },
  }
  const running = rules.map(([cacheName, rule]) => ({ cacheName, rule }))
  await evict(scope as unknown as ServiceWorkerGlobalScope, running as unknown as RunningRule[])
  return gone
}

describe('evict', () => {
  it('deletes the caches of the lowest priority first, and no more than needed', async () => {
    expect(
      await evicted([
        ['middle', {}, 40],
        ['last', { priority: 1 }, 20],
        ['first', { priority: -1 }, 40],
      ]),
    ).toEqual(['first'])
    expect(
      await evicted([
        ['middle', {}, 10],
        ['last', { priority: 1 }, 85],
        ['first', { priority: -1 }, 5],
      ]),
    ).toEqual(['first', 'middle'])
  })

  it('goes on where there was nothing in a cache, whatever the browser says', async () => {
    expect(
      await evicted([
        ['empty', { priority: -1 }, 0],
        ['full', {}, 40],
        ['last', { priority: 1 }, 5],
      ]),
    ).toEqual(['full'])
  })

  it('never deletes what is pinned, nor a cache that a pinned rule shares', async () => {
    expect(
      await evicted([
        ['pinned', { pinned: true, priority: -5 }, 50],
        ['shared', { pinned: true }, 50],
        ['shared', { priority: -9 }, 0],
      ]),
    ).toEqual([])
  })

  it('goes by the highest priority where rules share a cache', async () => {
    expect(
      await evicted([
        ['shared', { priority: -9 }, 0],
        ['shared', { priority: 2 }, 50],
        ['other', { priority: 1 }, 50],
      ]),
    ).toEqual(['other'])
  })
})
