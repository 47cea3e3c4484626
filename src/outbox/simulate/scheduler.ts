import type { Context } from './context.ts'
import type { EventLoop } from './event-loop.ts'
import type { Random } from './random.ts'
import type { Trace } from './trace.ts'

/** Something that happens at a time: an answer arrives, a timer ends, a transaction begins. */
export interface Happening {
  /** Whose it is: it does not happen once that one is dead, nor while it is frozen. None: it is the world's. */
  context?: Context
  /** Milliseconds from now; default 0. */
  delayMs?: number
  /** Those of one context and lane keep their order. */
  lane?: string
  label: string
  run: () => void
}

export interface Scheduler {
  /** Virtual time, in milliseconds. It never goes back; the device's clock may. */
  now(): number
  /** Gives a function that takes it back. */
  schedule(happening: Happening): () => void
  /** Lets things happen, one after the other, until `isDone` or the time is up. Says whether it was done. */
  run(isDone: () => boolean, until: number): Promise<boolean>
  /** How many things happened to a context so far: the number of the last yield point. */
  ordinal(): number
}

export interface SchedulerOptions {
  random: Random
  loop: EventLoop
  trace: Trace
  /** Called before a thing happens to a context, which may be killed there. */
  onYieldPoint: (ordinal: number, context: Context) => void
}

interface Pending extends Happening {
  at: number
}

/**
 * Owns time. Of all that may happen now the random numbers choose the next; when nothing may, time goes on to the next
 * thing that will.
 */
export function createScheduler({ random, loop, trace, onYieldPoint }: SchedulerOptions): Scheduler {
  let pending: Pending[] = []
  let now = 0
  let ordinal = 0

  const choose = (until: number): Pending | undefined => {
    pending = pending.filter(({ context }) => context === undefined || context.alive)
    const heads = headsOf(pending)
    let next = Number.POSITIVE_INFINITY
    for (const head of heads) next = Math.min(next, dueAt(head))
    if (!(next <= until)) return undefined
    now = Math.max(now, next)
    const ready = heads.filter(one => dueAt(one) <= now)
    return ready[random.below(ready.length)]
  }

  const happen = (chosen: Pending) => {
    const { context, label, run } = chosen
    if (context) {
      ordinal += 1
      onYieldPoint(ordinal, context)
      // Killed or frozen just before: it did not happen, or not yet.
      if (!context.alive || context.frozenUntil > now) return
    }
    remove(pending, chosen)
    trace.add(`${now} ${context ? `#${ordinal} ${context.name}` : 'world'}: ${label}`)
    run()
  }

  return {
    now: () => now,
    ordinal: () => ordinal,
    schedule({ delayMs = 0, ...happening }) {
      const one = { ...happening, at: now + delayMs }
      pending.push(one)
      return () => remove(pending, one)
    },
    async run(isDone, until) {
      await loop.settle()
      while (!isDone()) {
        const chosen = choose(until)
        if (!chosen) {
          now = Math.max(now, until)
          return isDone()
        }
        happen(chosen)
        await loop.settle()
      }
      return true
    },
  }
}

function dueAt({ at, context }: Pending): number {
  return Math.max(at, context?.frozenUntil ?? 0)
}

/** What may happen before the rest of its lane has. */
function headsOf(pending: readonly Pending[]): Pending[] {
  const first = new Map<string, Pending>()
  const laneOf = ({ context, lane }: Pending) => `${context?.name} ${lane}`
  for (const one of pending) {
    if (one.lane === undefined) continue
    const other = first.get(laneOf(one))
    // They are in the order in which they were scheduled.
    if (!other || one.at < other.at) first.set(laneOf(one), one)
  }
  return pending.filter(one => one.lane === undefined || first.get(laneOf(one)) === one)
}

function remove(pending: Pending[], one: Pending): void {
  const place = pending.indexOf(one)
  if (place >= 0) pending.splice(place, 1)
}
