export interface LookoutPorts {
  monotonic: () => number
  sleep: (delayMs: number, signal?: AbortSignal) => Promise<void>
  /** Looks, until the signal says that nobody wants to know; gives after how many milliseconds the next look is due. */
  look: (until: AbortSignal) => Promise<number>
}

/** Looks now and then, one look at a time. */
export interface Lookout {
  /** Looks within that time. A look under way, or one that is due sooner, is that look: a later word never puts it off. */
  within(delayMs: number): void
  isLooking(): boolean
  /** Resolves when the next look is over, or is not wanted any more. */
  over(): Promise<void>
  /** Ends the look under way and the wait for the next. */
  end(): void
}

export function createLookout({ monotonic, sleep, look }: LookoutPorts): Lookout {
  const waiting = new Set<() => void>()
  let dueAt = Number.POSITIVE_INFINITY
  let timer = new AbortController()
  let current: AbortController | undefined

  function within(delayMs: number): void {
    // A look under way was due, and stays so until it is over.
    if (monotonic() + delayMs >= dueAt) return
    dueAt = monotonic() + delayMs
    timer.abort()
    timer = new AbortController()
    const { signal } = timer
    const ring = () => {
      if (!signal.aborted) void run()
    }
    sleep(delayMs, signal).then(ring, ring)
  }

  async function run(): Promise<void> {
    const mine = new AbortController()
    current = mine
    const next = await look(mine.signal)
    if (mine.signal.aborted) return
    end()
    within(next)
  }

  function end(): void {
    timer.abort()
    dueAt = Number.POSITIVE_INFINITY
    current?.abort()
    current = undefined
    for (const resolve of waiting) resolve()
    waiting.clear()
  }

  return {
    within,
    isLooking: () => current !== undefined,
    over: () => new Promise(resolve => waiting.add(resolve)),
    end,
  }
}
