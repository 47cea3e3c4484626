import type { Context } from './context.ts'
import type { Scheduler } from './scheduler.ts'

export interface DeviceLocks {
  /** The lock manager as this context sees it. */
  managerFor(context: Context): LockManager
  holderOf(name: string): Context | undefined
}

interface Waiting {
  context: Context
  grant: () => void
}

/**
 * Web Locks as the specification has them, for exclusive locks: one queue per name, first come, first served; a signal
 * works until the lock is granted; a context that dies lets go, some time later (Chromium has been seen to take a second).
 */
export function createDeviceLocks(scheduler: Scheduler, releaseDelayMs: () => number): DeviceLocks {
  const holders = new Map<string, Context>()
  const queues = new Map<string, Waiting[]>()

  const grantNext = (name: string) => {
    const queue = queues.get(name) ?? []
    if (holders.has(name)) return
    const next = queue.shift()
    if (!next) return
    const { context, grant } = next
    holders.set(name, context)
    context.cleanups.add(() => {
      scheduler.schedule({
        delayMs: releaseDelayMs(),
        label: `lock of ${context.name} freed`,
        run: () => free(name, context),
      })
    })
    scheduler.schedule({ context, label: 'lock granted', run: grant })
  }

  const free = (name: string, context: Context) => {
    if (holders.get(name) !== context) return
    holders.delete(name)
    grantNext(name)
  }

  const request = (context: Context, name: string, signal: AbortSignal | undefined, work: () => Promise<unknown>) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const queue = queues.get(name) ?? []
      queues.set(name, queue)
      const leave = () => {
        signal?.removeEventListener('abort', onAbort)
        context.cleanups.delete(leave)
        const place = queue.indexOf(waiting)
        if (place >= 0) queue.splice(place, 1)
        return place >= 0
      }
      const onAbort = () => {
        if (leave()) reject(signal?.reason)
      }
      const grant = () => {
        leave()
        work()
          .then(resolve, reject)
          .finally(() => free(name, context))
      }
      const waiting = { context, grant }
      signal?.addEventListener('abort', onAbort)
      context.cleanups.add(leave)
      queue.push(waiting)
      grantNext(name)
    })

  return {
    holderOf: name => holders.get(name),
    managerFor: context => {
      const manager = {
        request: (name: string, options: LockOptions, work: () => Promise<unknown>) =>
          request(context, name, options.signal, work),
      }
      return manager as unknown as LockManager
    },
  }
}
