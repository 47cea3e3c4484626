export interface ShareRunsPorts<T> {
  run: (eager: boolean) => Promise<T>
  sleep: (delayMs: number) => Promise<void>
  /** So long a run is waited for: one that hangs must not keep the next from being tried. Milliseconds. */
  patienceMs: number
}

/**
 * Runs one at a time: calls that come while one is under way share the next, which is eager where one of them is. Eight
 * tabs that ask at each write would otherwise leave thousands in the queue for the lock, behind one request that hangs.
 */
export function shareRuns<T>({ run, sleep, patienceMs }: ShareRunsPorts<T>): (eager: boolean) => Promise<T> {
  let current: Promise<unknown> | undefined
  let next: Promise<T> | undefined
  let isEager = false

  function begin(): Promise<T> {
    const eager = isEager
    isEager = false
    next = undefined
    const mine = run(eager)
    const over = mine.then(ignore, ignore).finally(() => {
      if (current === over) current = undefined
    })
    current = over
    return mine
  }

  return eager => {
    isEager ||= eager
    if (!current && !next) return begin()
    next ??= Promise.race([current, sleep(patienceMs)]).then(begin)
    return next
  }
}

function ignore(): void {}
