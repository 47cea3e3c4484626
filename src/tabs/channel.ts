import { type ChannelEvents, isMessage, type MessageOf, PROTOCOL_VERSION } from '../protocol/messages.ts'
import { tellAll } from './tell-all.ts'

/** What the contexts of one outbox tell each other, and themselves. */
export interface Channel<Events = ChannelEvents> {
  /** Tells every other context, and the listeners of this one. */
  post<K extends keyof Events>(type: K, event: Events[K]): void
  /** Calls `fn` for every message, also for those of this context; the function it returns ends that. */
  onMessage(fn: (message: MessageOf<Events>) => void): () => void
  /** Leaves the other contexts until `resume()`: a message to a page in the back-forward cache would evict it. */
  suspend(): void
  resume(): void
  close(): void
}

/**
 * Opens the channel of this name. Where the platform has no BroadcastChannel, only the listeners of this context hear.
 *
 * A BroadcastChannel does not start a stopped worker and gives no answer: it makes screens quick, and nothing depends
 * on it (WHATWG HTML §9.5).
 */
export function createChannel<Events = ChannelEvents>(name: string): Channel<Events> {
  type Message = MessageOf<Events>
  const listeners = new Set<(message: Message) => void>()
  let broadcast: BroadcastChannel | undefined
  let closed = false

  const suspend = () => {
    broadcast?.close()
    broadcast = undefined
  }
  const resume = () => {
    if (broadcast || closed || typeof BroadcastChannel === 'undefined') return
    broadcast = new BroadcastChannel(name)
    // A closed channel hears no more, also of what was already on its way (HTML §9.5).
    broadcast.onmessage = ({ data }) => {
      if (isMessage(data)) tellAll(listeners, data as Message)
    }
  }
  resume()

  return {
    post(type, event) {
      if (closed) return
      const message = { holdfast: PROTOCOL_VERSION, type, ...event } as Message
      broadcast?.postMessage(message)
      tellAll(listeners, message)
    },
    onMessage(fn) {
      listeners.add(fn)
      return () => listeners.delete(fn)
    },
    suspend,
    resume,
    close() {
      closed = true
      listeners.clear()
      suspend()
    },
  }
}
