import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createChannel } from '../tabs/channel.ts'
import { createFreeMoment, type FreeMomentPorts } from './free-moment.ts'

const LOCK = 'moment:drain'
let end: AbortController
let reloads: number

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  end = new AbortController()
  reloads = 0
})
afterEach(() => {
  end.abort()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function momentWith(ports: Partial<FreeMomentPorts>) {
  const reload = () => {
    reloads += 1
  }
  return createFreeMoment({
    name: 'moment',
    locks: createLocks(),
    mayReload: undefined,
    signal: end.signal,
    reload,
    ...ports,
  })
}

/** One lock, as far as it is used here: shared requests wait while a drain holds it. */
function createLocks() {
  let isHeld = false
  let waiting: (() => void)[] = []
  const request = async (
    name: string,
    { ifAvailable, signal }: LockOptions,
    work: (lock: Lock | null) => unknown,
  ): Promise<unknown> => {
    expect(name).toBe(LOCK)
    if (isHeld && ifAvailable) return work(null)
    if (isHeld) {
      await new Promise<void>((resolve, reject) => {
        waiting.push(resolve)
        signal?.addEventListener('abort', () => reject(signal.reason))
      })
    }
    return work({ name, mode: 'shared' })
  }
  return Object.assign({ request } as unknown as LockManager, {
    drainBegins() {
      isHeld = true
    },
    drainEnds() {
      isHeld = false
      for (const go of waiting) go()
      waiting = []
    },
  })
}

/** Real time passes, while the timers under test stand still. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>(resolve => setImmediate(resolve))
}

const settle = () => vi.advanceTimersByTimeAsync(0)

describe('the moment for a reload', () => {
  it('is now where nothing is sent and the app says nothing', async () => {
    await expect(momentWith({}).whenFree()).resolves.toBe(true)
    void momentWith({}).reload()
    await settle()
    expect(reloads).toBe(1)
  })

  it('comes when the drain ends', async () => {
    const locks = createLocks()
    locks.drainBegins()
    void momentWith({ locks }).reload()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(reloads).toBe(0)
    locks.drainEnds()
    await settle()
    expect(reloads).toBe(1)
  })

  it('comes when the app says yes; it is asked each second', async () => {
    const answers = [false, false, true]
    const mayReload = vi.fn(async () => answers.shift() ?? true)
    void momentWith({ mayReload }).reload()
    await vi.advanceTimersByTimeAsync(1_500)
    expect(reloads).toBe(0)
    await vi.advanceTimersByTimeAsync(500)
    expect(reloads).toBe(1)
    expect(mayReload).toHaveBeenCalledTimes(3)
  })

  it('is passed by where a drain begins while the app makes up its mind', async () => {
    const locks = createLocks()
    const mayReload = vi.fn(() => {
      if (mayReload.mock.calls.length === 1) locks.drainBegins()
      return true
    })
    void momentWith({ locks, mayReload }).reload()
    await settle()
    expect(reloads).toBe(0)
    locks.drainEnds()
    await settle()
    expect(reloads).toBe(1)
    expect(mayReload).toHaveBeenCalledTimes(2)
  })

  it('does not come while the app throws, which is reported', async () => {
    const reported: unknown[] = []
    vi.stubGlobal('reportError', (error: unknown) => reported.push(error))
    const mayReload = vi.fn(() => {
      if (mayReload.mock.calls.length === 1) throw new Error('mine')
      return true
    })
    void momentWith({ mayReload }).reload()
    await settle()
    expect([reloads, reported]).toEqual([0, [new Error('mine')]])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(reloads).toBe(1)
  })

  it('waits for a drain as long as it is heard of, and no longer for one that hangs', async () => {
    const locks = createLocks()
    locks.drainBegins()
    const drain = createChannel('moment')
    void momentWith({ locks }).reload()
    const say = vi.fn()
    const other = createChannel('moment')
    other.onMessage(say)
    for (let time = 1; time <= 4; time += 1) {
      await vi.advanceTimersByTimeAsync(100_000)
      drain.post('sending', { ids: [] })
      // It comes from another thread, in its own time.
      await until(() => say.mock.calls.length === time)
    }
    drain.close()
    other.close()
    await vi.advanceTimersByTimeAsync(149_000)
    expect(reloads).toBe(0)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(reloads).toBe(1)
  })

  it('is left to the app alone where there are no Web Locks', async () => {
    void momentWith({ locks: undefined }).reload()
    await settle()
    expect(reloads).toBe(1)
  })

  it('never comes after the signal', async () => {
    const locks = createLocks()
    locks.drainBegins()
    const moment = momentWith({ locks })
    const free = moment.whenFree()
    void moment.reload()
    end.abort()
    await expect(free).resolves.toBe(false)
    locks.drainEnds()
    await settle()
    expect(reloads).toBe(0)
  })
})
