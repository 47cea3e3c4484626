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
  /** Rejects the request, while the work that it began goes on. */
  breakOff: () => void
}

/**
 * Web Locks as the specification has them, for exclusive locks: one queue per name, first come, first served; a signal
 * works until the lock is granted; who steals goes before all who wait, and who was stolen from learns of it later; a
 * context that dies lets go, some time later (Chromium has been seen to take a second), or with `Infinity` never.
 */
export function createDeviceLocks(scheduler: Scheduler, releaseDelayMs: () => number): DeviceLocks {
  const holders = new Map<string, Waiting>()
  const queues = new Map<string, Waiting[]>()

  const grantNext = (name: string) => {
    const queue = queues.get(name) ?? []
    if (holders.has(name)) return
    const next = queue.shift()
    if (!next) return
    const { context, grant } = next
    holders.set(name, next)
    context.cleanups.add(() => {
      scheduler.schedule({
        delayMs: releaseDelayMs(),
        label: `lock of ${context.name} freed`,
        run: () => free(name, next),
      })
    })
    scheduler.schedule({ context, lane: 'lock', label: 'lock granted', run: grant })
  }

  const free = (name: string, holder: Waiting | undefined) => {
    if (holders.get(name) !== holder) return
    holders.delete(name)
    grantNext(name)
  }

  const steal = (name: string) => {
    const holder = holders.get(name)
    holders.delete(name)
    if (!holder) return
    // In one lane with the grant, as in one pipe of the browser: nobody hears of the loss before the gain.
    scheduler.schedule({ context: holder.context, lane: 'lock', label: 'lock was stolen', run: holder.breakOff })
  }

  const request = (
    context: Context,
    name: string,
    { signal, steal: isTheft }: LockOptions,
    work: () => Promise<unknown>,
  ) =>
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
          .finally(() => free(name, waiting))
      }
      const breakOff = () => reject(new DOMException('The lock was stolen', 'AbortError'))
      const waiting = { context, grant, breakOff }
      signal?.addEventListener('abort', onAbort)
      context.cleanups.add(leave)
      if (isTheft) {
        steal(name)
        queue.unshift(waiting)
      } else queue.push(waiting)
      grantNext(name)
    })

  return {
    holderOf: name => holders.get(name)?.context,
    managerFor: context => {
      const manager = {
        request: (name: string, options: LockOptions, work: () => Promise<unknown>) =>
          request(context, name, options, work),
      }
      return manager as unknown as LockManager
    },
  }
}
