import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startTriggers, type Triggers } from './triggers.ts'

let window: EventTarget
let document: EventTarget & { visibilityState: DocumentVisibilityState }
let pending: number
let woken: boolean[]
/** Looks by the timer. */
let attended: boolean[]
let isFollower: boolean
let shown: number
let lifetime: AbortController
let workerIsReady: (found: unknown) => void
let readFails: boolean
let triggers: Triggers

beforeEach(async () => {
  vi.useFakeTimers()
  window = new EventTarget()
  document = Object.assign(new EventTarget(), { visibilityState: 'visible' as const })
  pending = 1
  woken = []
  attended = []
  isFollower = false
  shown = 0
  lifetime = new AbortController()
  readFails = false
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
    attend: async eager => attended.push(eager),
    isFollower: () => isFollower,
    random: () => 0,
    mayHavePending: () => pending > 0,
    now: () => Date.now(),
    workerReady: new Promise(resolve => {
      workerIsReady = resolve
    }),
    onShown: async () => {
      shown += 1
      if (readFails) throw new Error('The database cannot be opened.')
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
    window.dispatchEvent(new Event('online'))
    expect(woken).toEqual([true])
  })

  it('when the page is hidden, since it may be closed next and its tag used up', () => {
    document.visibilityState = 'hidden'
    document.dispatchEvent(new Event('visibilitychange'))
    expect(woken).toEqual([false])
    expect(shown).toBe(0)
  })

  it('when the worker is there at last, with which a tag can be armed', async () => {
    workerIsReady({})
    await vi.advanceTimersByTimeAsync(0)
    expect(woken).toEqual([false])
  })

  it('and not once more where no worker comes', async () => {
    workerIsReady(undefined)
    await vi.advanceTimersByTimeAsync(0)
    expect(woken).toEqual([])
  })

  it('also where this page cannot read: the worker may', async () => {
    readFails = true
    window.dispatchEvent(new Event('pageshow'))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(woken).toEqual([true])
    expect(attended).toEqual([false])
  })

  it('and one of many tabs is enough, again and again', async () => {
    isFollower = true
    const looks: string[] = []
    // The leader looks every ten seconds, and says so within a second.
    for (let round = 0; round < 6; round += 1) {
      await vi.advanceTimersByTimeAsync(1_000)
      triggers.hear({ holdfast: 1, type: 'drained', synced: 0, failed: 0, remaining: 1 })
      await vi.advanceTimersByTimeAsync(10_000)
      looks.push(...attended.map(String))
    }
    expect(looks).toEqual([])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(attended).toEqual([false])
  })

  it('when the page is shown again', async () => {
    document.visibilityState = 'visible'
    document.dispatchEvent(new Event('visibilitychange'))
    window.dispatchEvent(new Event('pageshow'))
    await vi.advanceTimersByTimeAsync(0)
    expect(shown).toBe(2)
    expect(woken).toEqual([true, true])
  })

  it('after ten seconds without a word, again and again: the worker may have been stopped', async () => {
    await vi.advanceTimersByTimeAsync(9_999)
    expect(attended).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(attended).toEqual([false])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(attended).toEqual([false, false])
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
    expect(attended).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(attended).toEqual([false])
  })

  it('and a follower somewhat later than the leader, unless something was heard by then', async () => {
    isFollower = true
    const drained = { holdfast: 1, type: 'drained', synced: 0, failed: 0, remaining: 1 } as const
    triggers.hear({ ...drained, nextAttemptAt: Date.now() + 1_500 })
    await vi.advanceTimersByTimeAsync(1_500)
    expect(attended).toEqual([])
    triggers.hear({ holdfast: 1, type: 'settled', ids: ['a'] })
    triggers.hear({ ...drained, nextAttemptAt: Date.now() + 1_500 })
    await vi.advanceTimersByTimeAsync(3_500)
    expect(attended).toEqual([false])
  })

  it('eagerly and soon where the leader was asked to, and nothing was heard of it', async () => {
    isFollower = true
    window.dispatchEvent(new Event('online'))
    triggers.hear({ holdfast: 1, type: 'appended', ids: ['a'] })
    expect(woken).toEqual([])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(attended).toEqual([true])
  })

  it('and not while there are signs of life', async () => {
    for (let second = 0; second < 60; second += 1) {
      triggers.hear({ holdfast: 1, type: 'settled', ids: ['a'] })
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect([...woken, ...attended]).toEqual([])
  })
})

it('lets everybody rest while nothing waits', async () => {
  pending = 0
  window.dispatchEvent(new Event('online'))
  window.dispatchEvent(new Event('pageshow'))
  await vi.advanceTimersByTimeAsync(60_000)
  expect([...woken, ...attended]).toEqual([])
})

it('ends with the client', async () => {
  lifetime.abort()
  window.dispatchEvent(new Event('online'))
  await vi.advanceTimersByTimeAsync(60_000)
  expect([...woken, ...attended]).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})
