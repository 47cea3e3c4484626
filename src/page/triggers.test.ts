import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startTriggers, type Triggers } from './triggers.ts'

let window: EventTarget
let document: EventTarget & { visibilityState: DocumentVisibilityState }
let pending: number
let woken: boolean[]
let online: boolean[]
let shown: number
let lifetime: AbortController
let triggers: Triggers

beforeEach(async () => {
  vi.useFakeTimers()
  window = new EventTarget()
  document = Object.assign(new EventTarget(), { visibilityState: 'visible' as const })
  pending = 1
  woken = []
  online = []
  shown = 0
  lifetime = new AbortController()
  triggers = start()
  await vi.advanceTimersByTimeAsync(0)
  woken = []
  shown = 0
})
afterEach(() => {
  lifetime.abort()
  vi.useRealTimers()
})

function start(): Triggers {
  return startTriggers({
    window,
    document,
    wake: options => woken.push(options?.eager === true),
    mayHavePending: () => pending > 0,
    now: () => Date.now(),
    onOnline: now => online.push(now),
    onShown: async () => {
      shown += 1
    },
    signal: lifetime.signal,
  })
}

describe('with something waiting, somebody looks', () => {
  it('when the page starts', async () => {
    start()
    await vi.advanceTimersByTimeAsync(0)
    expect(woken).toEqual([true])
  })

  it('when the network is back', () => {
    window.dispatchEvent(new Event('offline'))
    window.dispatchEvent(new Event('online'))
    expect(online).toEqual([false, true])
    expect(woken).toEqual([true])
  })

  it('when the page is shown again, and not when it is hidden', async () => {
    document.visibilityState = 'hidden'
    document.dispatchEvent(new Event('visibilitychange'))
    document.visibilityState = 'visible'
    document.dispatchEvent(new Event('visibilitychange'))
    window.dispatchEvent(new Event('pageshow'))
    await vi.advanceTimersByTimeAsync(0)
    expect(shown).toBe(2)
    expect(woken).toEqual([true, true])
  })

  it('after ten seconds without a word, again and again: the worker may have been stopped', async () => {
    await vi.advanceTimersByTimeAsync(9_999)
    expect(woken).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(woken).toEqual([false])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(woken).toEqual([false, false])
  })

  it('when the next attempt is due', async () => {
    triggers.hear({
      holdfast: 1,
      type: 'drained',
      synced: 0,
      failed: 0,
      remaining: 1,
      nextAttemptAt: Date.now() + 1_500,
    })
    await vi.advanceTimersByTimeAsync(1_499)
    expect(woken).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(woken).toEqual([false])
  })

  it('and not while there are signs of life', async () => {
    for (let second = 0; second < 60; second += 1) {
      triggers.hear({ holdfast: 1, type: 'settled', ids: ['a'] })
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(woken).toEqual([])
  })
})

it('lets everybody rest while nothing waits', async () => {
  pending = 0
  window.dispatchEvent(new Event('online'))
  window.dispatchEvent(new Event('pageshow'))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(woken).toEqual([])
})

it('ends with the client', async () => {
  lifetime.abort()
  window.dispatchEvent(new Event('online'))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(woken).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})
