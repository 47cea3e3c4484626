import type { Context } from './context.ts'
import { portCall } from './port-call.ts'
import type { Scheduler } from './scheduler.ts'

/** The timers of a tab. */
export interface TabClock {
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
  /** In a tab that has been hidden for long, timers run once a minute only. */
  hide(): void
  show(): void
}

const MINUTE = 60_000

export function createTabClock(scheduler: Scheduler, context: Context): TabClock {
  const held = new Set<() => void>()
  let isHidden = false
  const flush = () => {
    for (const ring of held) ring()
    held.clear()
  }
  const hold = (ring: () => void) => {
    held.add(ring)
    if (held.size > 1) return
    const delayMs = MINUTE - (scheduler.now() % MINUTE)
    scheduler.schedule({ context, delayMs, label: 'its minute has come', run: flush })
  }
  return {
    hide() {
      isHidden = true
    },
    show() {
      isHidden = false
      flush()
    },
    sleep(delayMs, signal) {
      let takeBack = () => {}
      const onEnd = () => takeBack()
      const slept = portCall<void>({ context, signal, onEnd }, ({ resolve }) => {
        const ring = () => resolve()
        const run = () => (isHidden ? hold(ring) : ring())
        const unschedule = scheduler.schedule({ context, delayMs: Math.max(0, delayMs), label: 'slept', run })
        takeBack = () => {
          unschedule()
          held.delete(ring)
        }
      })
      // It is fulfilled, too, when its signal says that there is nothing more to wait for.
      return slept.catch(() => undefined)
    },
  }
}
