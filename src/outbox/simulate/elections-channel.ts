import { type MessageOf, PROTOCOL_VERSION, type TabEvents } from '../../protocol/messages.ts'
import type { Channel } from '../../tabs/channel.ts'
import type { Context } from './context.ts'
import type { ElectionFaults } from './elections-faults.ts'
import type { Scheduler } from './scheduler.ts'

export type TabMessage = MessageOf<TabEvents>

export interface AirPorts {
  scheduler: Scheduler
  faults: ElectionFaults
  /** Called after a message was heard. */
  onHeard: (context: Context, message: TabMessage) => void
}

/** An open end of the channel. */
interface End {
  context: Context
  hear: (message: TabMessage) => void
  /** By sender: when the last message from there arrives. The platform keeps the order of each sender. */
  lastAt: Map<Context, number>
}

/** Between the tabs: messages are late or lost, and nobody hears what was on its way when their end was closed. */
export function createAir({ scheduler, faults, onHeard }: AirPorts): (context: Context) => Channel<TabEvents> {
  const ends = new Set<End>()

  const carry = (message: TabMessage, sender: Context, end: End) => {
    if (end.context === sender || faults.losesMessage()) return
    const at = Math.max(scheduler.now() + faults.messageDelay(), end.lastAt.get(sender) ?? 0)
    end.lastAt.set(sender, at)
    scheduler.schedule({
      context: end.context,
      lane: `from ${sender.name}`,
      delayMs: at - scheduler.now(),
      label: `hears ${describe(message)} from ${sender.name}`,
      run: () => {
        if (!ends.has(end)) return
        end.hear(message)
        onHeard(end.context, message)
      },
    })
  }

  return context => {
    const listeners = new Set<(message: TabMessage) => void>()
    const hear = (message: TabMessage) => {
      for (const listener of listeners) listener(message)
    }
    let own: End | undefined
    const suspend = () => {
      if (own) ends.delete(own)
      own = undefined
    }
    const resume = () => {
      own ??= { context, hear, lastAt: new Map() }
      ends.add(own)
    }
    resume()
    context.cleanups.add(suspend)
    return {
      post(type, event) {
        const message = { holdfast: PROTOCOL_VERSION, type, ...event } as TabMessage
        if (own) for (const end of ends) carry(message, context, end)
        hear(message)
      },
      onMessage(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      suspend,
      resume,
      close: suspend,
    }
  }
}

function describe(message: TabMessage): string {
  return 'term' in message ? `${message.type} ${message.term}` : message.type
}
