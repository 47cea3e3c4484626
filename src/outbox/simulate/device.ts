import type { ChannelMessage, DrainResult } from '../../protocol/messages.ts'
import type { Channel } from '../../tabs/channel.ts'
import type { DrainForOptions } from '../drain-for.ts'
import type { Platform } from '../platform.ts'
import { type Context, createContext, kill } from './context.ts'
import { createParticipant, type Participant } from './participant.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export interface Member {
  context: Context
  participant: Participant
  /** Drains that are under way. */
  drains: number
  /** Takes back its next look at the queue. */
  disarm?: () => void
}

/** The browser: which tabs are open, whether the worker runs, and who wakes whom. */
export interface Device {
  /** The tab of that number; it is opened when it is not there. */
  tab(number: number): Member
  /** As a page does that has no worker. */
  drainIn(member: Member, eager: boolean): void
  /** Gives the worker an event, or starts it for that. */
  message(eager: boolean): void
  sync(): void
  members(): Member[]
  killAll(): void
  isDraining(): boolean
}

export interface DevicePorts {
  scheduler: Scheduler
  random: Random
  hasWorker: boolean
  isDeaf: boolean
  factoryFor: (context: Context) => IDBFactory
  fetchFor: (context: Context) => typeof fetch
  locksFor: (context: Context) => LockManager | undefined
  wallClock: () => number
  isOnline: () => boolean
  note: (line: string) => void
}

// As in `page/later.ts` and `sw/replay.ts`.
const PAGE_BUDGET_MS = 120_000
const SYNC_BUDGET_MS = 150_000
const SYNC_GRACE_MS = 10_000
const MESSAGE_BUDGET_MS = 20_000
/** No engine lets an event go on for longer. */
const LONGEST_EVENT_MS = 300_000
const IDLE_MS = 30_000
const MOST_SYNC_ATTEMPTS = 3
const SYNC_RETRY_MS = 300_000

export function createDevice(ports: DevicePorts): Device {
  const { scheduler, random, hasWorker, note } = ports
  const members: Member[] = []
  const tabs = new Map<number, Member>()
  let worker: Member | undefined
  let count = 0

  const join = (kind: string, wake: (member: Member) => void): Member => {
    count += 1
    const context = createContext(`${kind}-${count}`)
    const member = { context, drains: 0 } as Member
    member.participant = createParticipant({
      platform: platformOf(ports, context),
      channel: channelOf(member),
      holder: context.name,
      driverName: `simulated-${count}`,
      factory: ports.factoryFor(context),
      wake: () => wake(member),
    })
    members.push(member)
    return member
  }

  const channelOf = (sender: Member): Channel => ({
    post(type, event) {
      const message = { type, ...event } as ChannelMessage
      for (const receiver of members) {
        if (receiver === sender || !receiver.context.alive || ports.isDeaf || random.chance(0.1)) continue
        const { context } = receiver
        const lane = `from ${sender.context.name}`
        const run = () => hear(receiver, message)
        scheduler.schedule({ context, lane, delayMs: random.between(0, 20), label: `hears ${type}`, run })
      }
    },
    onMessage: () => () => undefined,
    close: () => undefined,
  })

  // As page/triggers.ts does: a page that is open looks again when the next one is due.
  const hear = (member: Member, message: ChannelMessage) => {
    if (member === worker || message.type !== 'drained') return
    member.disarm?.()
    if (message.nextAttemptAt === undefined) return
    const delayMs = Math.max(0, Math.min(message.nextAttemptAt - ports.wallClock(), LONGEST_EVENT_MS))
    const run = () => wake(member)
    member.disarm = scheduler.schedule({ context: member.context, delayMs, label: 'looks again', run })
  }

  const wake = (member: Member) => {
    if (hasWorker)
      scheduler.schedule({ delayMs: random.between(0, 5), label: 'message to the worker', run: () => message(false) })
    else drainIn(member, false)
  }

  const drainIn = (member: Member, eager: boolean) => drain(member, { budgetMs: PAGE_BUDGET_MS, eager, once: true })

  const drain = (member: Member, options: DrainForOptions, then?: (result?: DrainResult) => void) => {
    const { context, participant } = member
    member.drains += 1
    const ended = (result?: DrainResult) => {
      member.drains -= 1
      then?.(result)
    }
    participant.drain(options).then(
      result => {
        note(`${context.name} drained ${JSON.stringify(result)}`)
        ended(result)
      },
      error => {
        note(`${context.name} drain failed: ${error}`)
        ended()
      },
    )
  }

  const running = (): Member => {
    if (worker?.context.alive) return worker
    const started = join('worker', () => undefined)
    worker = started
    inEvent(started, { budgetMs: MESSAGE_BUDGET_MS, eager: true })
    return started
  }

  const inEvent = (member: Member, options: DrainForOptions, then?: (result?: DrainResult) => void) => {
    const stop = (why: string) => {
      note(`${member.context.name} stopped: ${why}`)
      kill(member.context)
    }
    const takeBack = scheduler.schedule({
      delayMs: LONGEST_EVENT_MS,
      label: 'event too long',
      run: () => stop('too long'),
    })
    drain(member, options, result => {
      takeBack()
      then?.(result)
      const run = () => {
        if (member.drains === 0) stop('idle')
      }
      scheduler.schedule({ delayMs: IDLE_MS, label: 'worker idle', run })
    })
  }

  const message = (eager: boolean) => inEvent(running(), { budgetMs: MESSAGE_BUDGET_MS, eager })

  // Chromium's policy: three attempts, five minutes and fifteen apart.
  const sync = (attempt = 1) => {
    inEvent(running(), { budgetMs: SYNC_BUDGET_MS, eager: true, graceMs: SYNC_GRACE_MS }, result => {
      if ((result && result.remaining === 0) || attempt >= MOST_SYNC_ATTEMPTS) return
      const delayMs = SYNC_RETRY_MS * 3 ** (attempt - 1)
      scheduler.schedule({ delayMs, label: 'sync again', run: () => sync(attempt + 1) })
    })
  }

  return {
    drainIn,
    message,
    sync: () => sync(),
    members: () => members,
    tab(number) {
      const open = tabs.get(number)
      if (open?.context.alive) return open
      const opened = join('tab', wake)
      tabs.set(number, opened)
      return opened
    },
    killAll() {
      for (const { context } of members) kill(context)
    },
    isDraining: () => members.some(({ context, drains }) => context.alive && drains > 0),
  }
}

function platformOf(ports: DevicePorts, context: Context): Platform {
  const { scheduler, random, wallClock, isOnline } = ports
  return {
    now: wallClock,
    random: random.next,
    isOnline,
    fetch: ports.fetchFor(context),
    locks: ports.locksFor(context),
    sleep: (delayMs, signal) =>
      new Promise(resolve => {
        if (signal?.aborted) return resolve()
        const takeBack = scheduler.schedule({ context, delayMs: Math.max(0, delayMs), label: 'slept', run: done })
        context.cleanups.add(forget)
        signal?.addEventListener('abort', done)
        function forget() {
          takeBack()
          signal?.removeEventListener('abort', done)
          context.cleanups.delete(forget)
        }
        function done() {
          forget()
          resolve()
        }
      }),
    timeout: delayMs => {
      const controller = new AbortController()
      const run = () => controller.abort(new DOMException('The operation timed out', 'TimeoutError'))
      scheduler.schedule({ context, delayMs, label: `timeout of ${delayMs} ms`, run })
      return controller.signal
    },
  }
}
