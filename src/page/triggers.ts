import type { ChannelMessage } from '../protocol/messages.ts'
import type { Wake } from './wake.ts'

export interface TriggersOptions {
  wake: Wake
  /** Has the worker look, or this page where the worker does not answer. */
  attend: (eager: boolean) => Promise<unknown>
  mayHavePending: () => boolean
  /** Whether another tab leads: it goes first, and this one sees to it that something happened. */
  isFollower: () => boolean
  now: () => number
  random: () => number
  /** The registration when its worker is active; nothing where there is none and none will come. Never rejects. */
  workerReady: Promise<unknown>
  /** The page is shown, for the first time or again, and may have missed messages. */
  onShown: () => Promise<void>
  /** Where `online` and `pageshow` are heard. */
  window: EventTarget
  document: EventTarget & { readonly visibilityState: DocumentVisibilityState }
  signal: AbortSignal
}

export interface Triggers {
  hear(message: ChannelMessage): void
  /** Somebody else was asked to look: this page looks itself if nothing is heard soon. */
  expectSoon(eager: boolean): void
  /** The network is back, or the way to the server has become better. */
  reconnected(): void
}

/**
 * While something waits and this page is open, there is always a next look at the queue: when the network is back, when
 * the page is shown, and after a time. The timer also finds a worker that the browser stopped in the middle of its work,
 * and a leader that is slow: timers of hidden pages ring once a minute.
 */
export function startTriggers(options: TriggersOptions): Triggers {
  const { wake, mayHavePending, isFollower, now, random, onShown, window, document, signal } = options
  let timer: ReturnType<typeof setTimeout> | undefined
  let armedFor = Number.POSITIVE_INFINITY
  let isEager = false
  const listen = (target: EventTarget, type: string, fn: () => void) => target.addEventListener(type, fn, { signal })

  function arm(delayMs: number): void {
    clearTimeout(timer)
    armedFor = now() + delayMs
    timer = setTimeout(look, delayMs)
  }

  function look(): void {
    const eager = isEager
    isEager = false
    arm(QUIET_MS + grace())
    if (mayHavePending())
      read()
        .then(() => mayHavePending() && options.attend(eager))
        .catch(ignore)
  }

  /** What cannot be read here may be read by the worker: then it looks all the same. */
  const read = () => onShown().catch(ignore)

  /** The leader goes first. */
  const grace = () => (isFollower() ? GRACE_MS * (1 + random() / 2) : 0)

  const expectSoon = (eager: boolean) => {
    isEager ||= eager
    arm(GRACE_MS)
  }
  const wakeIfPending = () => {
    if (mayHavePending()) wake({ eager: true })
  }
  const reconnected = () => {
    if (!isFollower()) wakeIfPending()
    else if (mayHavePending()) expectSoon(true)
  }
  const shown = async () => {
    await read()
    if (!signal.aborted) wakeIfPending()
  }
  /** The tag of a tab that is closed next may be used up, or was never armed: there was no worker then. */
  const armTag = () => {
    if (mayHavePending() && !signal.aborted) wake()
  }

  listen(window, 'online', reconnected)
  listen(window, 'pageshow', () => void shown())
  listen(document, 'visibilitychange', () => {
    if (document.visibilityState === 'visible') void shown()
    else armTag()
  })
  const isRead = shown()
  void options.workerReady.then(found => found && isRead.then(armTag))
  signal.addEventListener('abort', () => clearTimeout(timer))
  arm(QUIET_MS)

  return {
    hear({ type, ...message }) {
      // A wish, and no sign that somebody looks: one should come soon.
      if (type === 'appended' || type === 'changed') {
        if (armedFor - now() > SIGN_MS + grace()) arm(SIGN_MS + grace())
        return
      }
      isEager = false
      // A drain that ended says when the next attempt is due.
      const dueAt = 'nextAttemptAt' in message ? message.nextAttemptAt : undefined
      arm((dueAt === undefined ? QUIET_MS : Math.min(Math.max(dueAt - now(), 0), QUIET_MS)) + grace())
    },
    expectSoon,
    reconnected,
  }
}

function ignore(): void {}

/** After this long without a word about a queue that is not empty, somebody should look. */
const QUIET_MS = 10_000

/** So soon something should be heard of what was recorded. */
const SIGN_MS = 2_000

/** So much later than the leader a follower looks. */
const GRACE_MS = 2_000
