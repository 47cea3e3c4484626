/** The platform's tasks, in our hands. */
export interface EventLoop {
  /** Runs every task that waits, and all that follow from them, until nothing is left to do. */
  settle(): Promise<void>
  /** Gives the platform its own way of queueing tasks back. */
  restore(): void
}

/** More tasks than this in one step: something waits for what cannot come. */
const MOST_TASKS = 100_000

/**
 * Takes over `setImmediate`, by which fake-indexeddb queues the tasks of its event loop. The order of a run then comes
 * from nothing but the scheduler: not from other work in this process, and not from real time.
 */
export function takeEventLoop(): EventLoop {
  const own = globalThis.setImmediate
  const tasks: (() => void)[] = []
  const held = (task: (...args: unknown[]) => void, ...args: unknown[]) => void tasks.push(() => task(...args))
  globalThis.setImmediate = held as unknown as typeof setImmediate

  // A real task ends the microtasks of the one before it.
  const microtasks = () => new Promise<void>(resolve => void own(resolve))

  return {
    async settle() {
      await microtasks()
      for (let ran = 0; ; ran += 1) {
        const task = tasks.shift()
        if (!task) return
        if (ran > MOST_TASKS) throw new Error('The platform does not come to rest.')
        task()
        await microtasks()
      }
    },
    restore() {
      globalThis.setImmediate = own
      for (const task of tasks) own(task)
    },
  }
}
