import type { ChannelMessage, DrainResult } from '../../protocol/messages.ts'
import type { Storage } from '../../storage/open-storage.ts'
import type { Channel } from '../../tabs/channel.ts'
import type { QueueLimits } from '../append-context.ts'
import type { DrainForOptions } from '../drain-for.ts'
import type { AuthProvider } from '../handlers.ts'
import type { Platform } from '../platform.ts'
import { type Context, createContext, kill } from './context.ts'
import { createParticipant, type Participant } from './participant.ts'
import { portCall } from './port-call.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import { createWorkerSlot } from './worker-slot.ts'

export interface Member {
  context: Context
  participant: Participant
  /** Drains that are under way. */
  drains: number
  hasFailed: boolean
  /** Who hears the messages of the channel in it. */
  listeners: Set<(message: ChannelMessage) => void>
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
  limits: QueueLimits
  providerFor: (context: Context) => AuthProvider | undefined
  plantIn: (context: Context, storage: Storage) => Storage
  /** A drain begins; what this gives is called when it is over. */
  onDrain: (context: Context) => () => void
  /** A pass of a drain is over. */
  onPass: (context: Context, result: DrainResult) => void
  /** A context has drained, each time without an error, and does so no more. */
  onDrained: (context: Context) => void
}

// As in `page/later.ts`.
const PAGE_BUDGET_MS = 120_000
const LONGEST_WAIT_MS = 300_000

export function createDevice(ports: DevicePorts): Device {
  const { scheduler, random, hasWorker, note } = ports
  const members: Member[] = []
  const tabs = new Map<number, Member>()
  let count = 0

  const join = (kind: string, wake: (member: Member, eager: boolean) => void): Member => {
    count += 1
    const context = createContext(`${kind}-${count}`)
    const member = { context, drains: 0, hasFailed: false, listeners: new Set() } as unknown as Member
    const provider = ports.providerFor(context)
    member.participant = createParticipant({
      platform: platformOf(ports, context),
      channel: channelOf(ports, member, members, hear),
      holder: context.name,
      driverName: `simulated-${count}`,
      factory: ports.factoryFor(context),
      limits: ports.limits,
      handlers: provider ? { auth: { session: provider } } : {},
      plantIn: storage => ports.plantIn(context, storage),
      wake: eager => wake(member, eager),
    })
    members.push(member)
    return member
  }

  // As page/triggers.ts does: a page that is open looks again when the next one is due.
  const hear = (member: Member, message: ChannelMessage) => {
    for (const listener of member.listeners) listener(message)
    if (worker.is(member) || message.type !== 'drained') return
    member.disarm?.()
    if (message.nextAttemptAt === undefined) return
    const delayMs = Math.max(0, Math.min(message.nextAttemptAt - ports.wallClock(), LONGEST_WAIT_MS))
    const run = () => wake(member, false)
    member.disarm = scheduler.schedule({ context: member.context, delayMs, label: 'looks again', run })
  }

  const wake = (member: Member, eager: boolean) => {
    if (hasWorker)
      scheduler.schedule({
        delayMs: random.between(0, 5),
        label: 'message to the worker',
        run: () => worker.message(eager),
      })
    else drainIn(member, eager)
  }

  const drainIn = (member: Member, eager: boolean) => drain(member, { budgetMs: PAGE_BUDGET_MS, eager, once: true })

  const drain = (member: Member, options: DrainForOptions, then?: (result?: DrainResult) => void) => {
    const { context, participant } = member
    member.drains += 1
    const end = ports.onDrain(context)
    const ended = (result?: DrainResult) => {
      member.drains -= 1
      end()
      if (member.drains === 0 && !member.hasFailed) ports.onDrained(context)
      then?.(result)
    }
    participant.drain(options).then(
      result => {
        note(`${context.name} drained ${JSON.stringify(result)}`)
        ended(result)
      },
      error => {
        note(`${context.name} drain failed: ${error}`)
        member.hasFailed = true
        ended()
      },
    )
  }

  const isDraining = () => members.some(({ context, drains }) => context.alive && drains > 0)

  const worker = createWorkerSlot({
    scheduler,
    note,
    drain,
    start: () => join('worker', () => undefined),
  })

  return {
    drainIn,
    message: worker.message,
    sync: worker.sync,
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
    isDraining,
  }
}

/** What one says, most of the others hear a little later; who is not there never does. */
function channelOf(
  { scheduler, random, isDeaf, onPass }: DevicePorts,
  sender: Member,
  members: readonly Member[],
  hear: (receiver: Member, message: ChannelMessage) => void,
): Channel {
  return {
    post(type, event) {
      const message = { type, ...event } as ChannelMessage
      if (message.type === 'drained') onPass(sender.context, message)
      for (const listener of sender.listeners) listener(message)
      for (const receiver of members) {
        if (receiver === sender || !receiver.context.alive || isDeaf) continue
        // News of who may send is never lost, only late.
        if (type !== 'changed' && random.chance(0.1)) continue
        const { context } = receiver
        const lane = `from ${sender.context.name}`
        const run = () => hear(receiver, message)
        scheduler.schedule({ context, lane, delayMs: random.between(0, 20), label: `hears ${type}`, run })
      }
    },
    onMessage(listener) {
      sender.listeners.add(listener)
      return () => sender.listeners.delete(listener)
    },
    suspend: () => undefined,
    resume: () => undefined,
    close: () => undefined,
  }
}

function platformOf(ports: DevicePorts, context: Context): Platform {
  const { scheduler, random, wallClock, isOnline } = ports
  return {
    origin: 'https://app.example',
    now: wallClock,
    random: random.next,
    isOnline,
    fetch: ports.fetchFor(context),
    locks: ports.locksFor(context),
    sleep: (delayMs, signal) => {
      let takeBack = () => {}
      const onEnd = () => takeBack()
      // It is fulfilled, too, when its signal says that there is nothing more to wait for.
      return portCall<void>({ context, signal, onEnd }, ({ resolve }) => {
        const run = () => resolve()
        takeBack = scheduler.schedule({ context, delayMs: Math.max(0, delayMs), label: 'slept', run })
      }).catch(() => undefined)
    },
    timeout: delayMs => {
      const controller = new AbortController()
      const run = () => controller.abort(new DOMException('The operation timed out', 'TimeoutError'))
      scheduler.schedule({ context, delayMs, label: `timeout of ${delayMs} ms`, run })
      return controller.signal
    },
  }
}
