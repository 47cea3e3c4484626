import type { WorkerLink } from './worker-link.ts'

/**
 * Sees to it that somebody looks at the queue: arms a Background Sync tag, so that the browser comes back with every tab
 * closed, and sends a message, so that the worker looks now. Where there is no worker, this page drains.
 *
 * It carries no data: whoever looks reads the database. Never rejects, and may be called as often as one likes.
 * `eager`: there is reason to think that the network is back.
 */
export type Wake = (options?: WakeCall) => void

export interface WakeCall {
  eager?: boolean
  /** Whether a tag is wanted; default true. A timer that looks again leaves the tags alone. */
  tag?: boolean
}

export interface WakeOptions {
  link: WorkerLink
  syncTagPrefix: string
  /** Runs the drain in this page. */
  drainHere: (eager: boolean) => Promise<unknown>
  /** Whether the last drain left something behind, so that the tag may be waiting for its retry. */
  isBehind: () => boolean
}

export function createWake({ link, syncTagPrefix, drainHere, isBehind }: WakeOptions): Wake {
  const registerTag = createTagRegistration(link, syncTagPrefix, isBehind)
  let asked: Required<WakeCall> | undefined
  let underWay = false

  /** Calls that come while one is under way share the next one. */
  async function run(): Promise<void> {
    underWay = true
    while (asked) {
      const call = asked
      asked = undefined
      await trigger(call).catch(() => undefined)
    }
    underWay = false
  }

  async function trigger({ eager, tag }: Required<WakeCall>): Promise<void> {
    // Not awaited where it is known, so that a tab that is closed right after a write has still asked for its tag.
    const registration = link.current() ?? (await link.soon())
    if (!registration) return void (await drainHere(eager))
    const registered = tag ? registerTag(registration) : undefined
    link.ask(eager)
    await registered
  }

  return ({ eager = false, tag = true } = {}) => {
    asked = { eager: eager || asked?.eager === true, tag: tag || asked?.tag === true }
    if (!underWay) void run()
  }
}

interface SyncManager {
  register(tag: string): Promise<void>
  getTags(): Promise<string[]>
}

/** Tags in use at once, at most. */
const TAGS = 10

/**
 * Registers the sync tag where the engine has Background Sync. Chromium does not bring a tag forward that waits for its
 * retry (five minutes, then fifteen); a fresh one is taken beside those that were there when the page began, and when a
 * drain has left something behind.
 */
function createTagRegistration({ ready }: WorkerLink, prefix: string, isBehind: () => boolean) {
  let number = 0
  const skipTaken = async (registration: ServiceWorkerRegistration | undefined) => {
    const tags = (registration && (await syncOf(registration)?.getTags())) ?? []
    while (number < TAGS && tags.includes(prefix + number)) number += 1
  }
  ready.then(skipTaken).catch(() => undefined)
  return async (registration: ServiceWorkerRegistration): Promise<void> => {
    if (isBehind()) number += 1
    await syncOf(registration)?.register(prefix + (number % TAGS))
  }
}

function syncOf(registration: ServiceWorkerRegistration): SyncManager | undefined {
  return (registration as { sync?: SyncManager }).sync
}
