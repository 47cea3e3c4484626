import type { DrainResult } from '../../protocol/messages.ts'
import type { DrainForOptions } from '../drain-for.ts'
import { kill } from './context.ts'
import type { Member } from './device.ts'
import type { Scheduler } from './scheduler.ts'

/** The service worker: one at a time, started by an event, stopped when it is idle or takes too long. */
export interface WorkerSlot {
  message(eager: boolean): void
  sync(): void
  is(member: Member): boolean
}

export interface WorkerSlotPorts {
  scheduler: Scheduler
  note: (line: string) => void
  start: () => Member
  drain: (member: Member, options: DrainForOptions, then: (result?: DrainResult) => void) => void
}

// As in `sw/replay.ts`.
const SYNC_BUDGET_MS = 150_000
const SYNC_GRACE_MS = 10_000
const MESSAGE_BUDGET_MS = 20_000
/** No engine lets an event go on for longer. */
const LONGEST_EVENT_MS = 300_000
const IDLE_MS = 30_000
// Chromium's policy: three attempts, five minutes and fifteen apart.
const MOST_SYNC_ATTEMPTS = 3
const SYNC_RETRY_MS = 300_000

export function createWorkerSlot({ scheduler, note, start, drain }: WorkerSlotPorts): WorkerSlot {
  let worker: Member | undefined

  const stop = ({ context }: Member, why: string) => {
    note(`${context.name} stopped: ${why}`)
    kill(context)
  }

  const running = (): Member => {
    if (worker?.context.alive) return worker
    worker = start()
    inEvent(worker, { budgetMs: MESSAGE_BUDGET_MS, eager: true })
    return worker
  }

  const inEvent = (member: Member, options: DrainForOptions, then?: (result?: DrainResult) => void) => {
    const tooLong = () => stop(member, 'too long')
    const once = member.drains > 0
    const takeBack = scheduler.schedule({ delayMs: LONGEST_EVENT_MS, label: 'event too long', run: tooLong })
    drain(member, { once, ...options }, result => {
      takeBack()
      then?.(result)
      const run = () => {
        if (member.drains === 0) stop(member, 'idle')
      }
      scheduler.schedule({ delayMs: IDLE_MS, label: 'worker idle', run })
    })
  }

  const sync = (attempt: number) => {
    inEvent(running(), { budgetMs: SYNC_BUDGET_MS, eager: true, graceMs: SYNC_GRACE_MS, once: false }, result => {
      if (result?.remaining === 0 || attempt >= MOST_SYNC_ATTEMPTS) return
      const delayMs = SYNC_RETRY_MS * 3 ** (attempt - 1)
      scheduler.schedule({ delayMs, label: 'sync again', run: () => sync(attempt + 1) })
    })
  }

  return {
    message: eager => inEvent(running(), { budgetMs: MESSAGE_BUDGET_MS, eager }),
    sync: () => sync(1),
    is: member => member === worker,
  }
}
