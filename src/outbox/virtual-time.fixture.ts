export interface VirtualTime {
  now(): number
  /** Puts the clock elsewhere, as a person or the network time may. */
  set(at: number): void
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
  timeout(delayMs: number): AbortSignal
  /** Work on the database: no time passes until it has ended. */
  busy<T>(work: Promise<T>): Promise<T>
  /** Lets time pass, whenever nothing else happens, until the work has ended. Rejects where it waits for nothing. */
  drive<T>(work: Promise<T>): Promise<T>
}

/** A clock that stands while anything is at work, and jumps to the next timer when nothing is. */
export function createVirtualTime(start: number): VirtualTime {
  let clock = start
  let active = 0
  let timers: { at: number; ring: () => void }[] = []

  function add(delayMs: number, ring: () => void) {
    const timer = { at: clock + Math.max(0, delayMs), ring }
    timers.push(timer)
    return () => {
      timers = timers.filter(one => one !== timer)
    }
  }

  /** Promises, streams and the database in memory take some turns of the event loop. */
  async function quiet(): Promise<void> {
    for (let calm = 0; calm < 12; calm += 1) {
      await new Promise(resolve => setImmediate(resolve))
      if (active > 0) calm = 0
    }
  }

  function next(): boolean {
    const soonest = timers.reduce((a, b) => (b.at < a.at ? b : a), { at: Number.POSITIVE_INFINITY, ring: () => {} })
    if (!Number.isFinite(soonest.at)) return false
    timers = timers.filter(timer => timer !== soonest)
    clock = Math.max(clock, soonest.at)
    soonest.ring()
    return true
  }

  return {
    now: () => clock,
    set(at) {
      // Timers run by another clock, which does not jump.
      for (const timer of timers) timer.at += at - clock
      clock = at
    },
    sleep: (delayMs, signal) =>
      new Promise(resolve => {
        const cancel = add(delayMs, resolve)
        signal?.addEventListener('abort', () => {
          cancel()
          resolve()
        })
      }),
    timeout(delayMs) {
      const controller = new AbortController()
      add(delayMs, () => controller.abort(new DOMException('Too late', 'TimeoutError')))
      return controller.signal
    },
    async busy(work) {
      active += 1
      try {
        return await work
      } finally {
        active -= 1
      }
    },
    async drive(work) {
      let isOver = false
      const end = () => {
        isOver = true
      }
      work.then(end, end)
      for (;;) {
        await quiet()
        if (isOver) return work
        if (!next()) throw new Error('it waits for nothing that will come')
      }
    },
  }
}
