import { type ChannelEvents, type ChannelMessage, isChannelMessage, PROTOCOL_VERSION } from '../protocol/messages.ts'
import { tellAll } from './tell-all.ts'

/** What the contexts of one outbox tell each other, and themselves. */
export interface Channel {
  /** Tells every other context, and the listeners of this one. */
  post<K extends keyof ChannelEvents>(type: K, event: ChannelEvents[K]): void
  /** Calls `fn` for every message, also for those of this context; the function it returns ends that. */
  onMessage(fn: (message: ChannelMessage) => void): () => void
  close(): void
}

/**
 * Opens the channel of this name. Where the platform has no BroadcastChannel, only the listeners of this context hear.
 *
 * A BroadcastChannel does not start a stopped worker and gives no answer: it makes screens quick, and nothing depends
 * on it (WHATWG HTML §9.5).
 */
export function createChannel(name: string): Channel {
  const listeners = new Set<(message: ChannelMessage) => void>()
  const broadcast = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(name)
  const tell = (message: ChannelMessage) => tellAll(listeners, message)
  const hear = (event: MessageEvent<unknown>) => {
    if (isChannelMessage(event.data)) tell(event.data)
  }
  broadcast?.addEventListener('message', hear)
  let closed = false

  return {
    post(type, event) {
      if (closed) return
      const message = { holdfast: PROTOCOL_VERSION, type, ...event } as ChannelMessage
      broadcast?.postMessage(message)
      tell(message)
    },
    onMessage(fn) {
      listeners.add(fn)
      return () => listeners.delete(fn)
    },
    close() {
      closed = true
      listeners.clear()
      broadcast?.removeEventListener('message', hear)
      broadcast?.close()
    },
  }
}
