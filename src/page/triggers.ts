import type { ChannelMessage } from '../protocol/messages.ts'
import type { Wake } from './wake.ts'

export interface TriggersOptions {
  wake: Wake
  mayHavePending: () => boolean
  now: () => number
  onOnline: (online: boolean) => void
  /** The page is shown, for the first time or again, and may have missed messages. */
  onShown: () => Promise<void>
  /** Where `online`, `offline` and `pageshow` are heard. */
  window: EventTarget
  document: EventTarget & { readonly visibilityState: DocumentVisibilityState }
  signal: AbortSignal
}

export interface Triggers {
  hear(message: ChannelMessage): void
}

/**
 * While something waits and this page is open, there is always a next look at the queue: when the network is back, when
 * the page is shown, and after a time. The timer also finds a worker that the browser stopped in the middle of its work.
 */
export function startTriggers(options: TriggersOptions): Triggers {
  const { wake, mayHavePending, now, onOnline, onShown, window, document, signal } = options
  let timer: ReturnType<typeof setTimeout> | undefined
  const listen = (target: EventTarget, type: string, fn: () => void) => target.addEventListener(type, fn, { signal })

  function arm(delayMs: number): void {
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (mayHavePending()) onShown().then(() => mayHavePending() && wake({ tag: false }), ignore)
      arm(QUIET_MS)
    }, delayMs)
  }

  const wakeIfPending = () => {
    if (mayHavePending()) wake({ eager: true })
  }
  const shown = () => {
    onShown().then(wakeIfPending, ignore)
  }

  listen(window, 'online', () => {
    onOnline(true)
    wakeIfPending()
  })
  listen(window, 'offline', () => onOnline(false))
  listen(window, 'pageshow', shown)
  listen(document, 'visibilitychange', () => {
    if (document.visibilityState === 'visible') shown()
  })
  shown()
  signal.addEventListener('abort', () => clearTimeout(timer))
  arm(QUIET_MS)

  return {
    hear(message) {
      // Any word about the queue is a sign of life; a drain that ended says when the next attempt is due.
      const dueAt = message.type === 'drained' ? message.nextAttemptAt : undefined
      arm(dueAt === undefined ? QUIET_MS : Math.min(Math.max(dueAt - now(), 0), QUIET_MS))
    },
  }
}

function ignore(): void {}

/** After this long without a word about a queue that is not empty, somebody should look. */
const QUIET_MS = 10_000
