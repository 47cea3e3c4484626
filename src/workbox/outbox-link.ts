import { wrap } from 'idb'
import { drainFor } from '../outbox/drain-for.ts'
import type { Handlers } from '../outbox/handlers.ts'
import type { Platform } from '../outbox/platform.ts'
import { namesOf } from '../protocol/names.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { type Channel, createChannel } from '../tabs/channel.ts'
import { withLock } from '../tabs/lock.ts'

/** What one `sync` event may take: Chromium gives it 180 s. */
const BUDGET_MS = 150_000

/** A lock that is not given within this time is not waited for: its holder hangs, and leases keep two apart. */
const PATIENCE_MS = 10_000

/** The outbox behind a queue. Nothing is opened before it is used. */
export interface OutboxLink {
  open(): Promise<Storage>
  /** Sends what is due: in one pass, or again as long as something will be due within the time of an event. */
  drain(options: { once: boolean }): Promise<void>
  /** Runs `work` while no other run of that queue does, in any context; says whether that is certain. */
  exclusively(queueName: string, work: (held: { exclusive: boolean }) => Promise<void>): Promise<void>
  /** Tells the app's pages. */
  tell(type: 'appended' | 'changed', ids: string[]): void
  close(): Promise<void>
}

export interface LinkOptions {
  /** Default `holdfast`. */
  outbox?: string
  handlers?: Handlers
  /** Who this context is, in the leases. */
  holder: string
  platform: () => Platform
}

export function createOutboxLink({ outbox, handlers, holder, platform }: LinkOptions): OutboxLink {
  const names = namesOf(outbox)
  let channel: Channel | undefined
  let opening: Promise<Storage> | undefined
  let tail: Promise<unknown> = Promise.resolve()

  const theChannel = () => {
    channel ??= createChannel(names.channel)
    return channel
  }

  const open = () => {
    opening ??= openStorage({ name: names.database, loadWrap: () => wrap })
    // A failure to open is not for ever: the next use tries again.
    opening.catch(() => {
      opening = undefined
    })
    return opening
  }

  return {
    open,

    async drain({ once }) {
      const ports = { ...platform(), storage: await open(), channel: theChannel(), handlers }
      await drainFor(
        { ...ports, holder: `drain:${holder}`, lockName: names.lock },
        { budgetMs: BUDGET_MS, eager: true, once },
      )
    },

    exclusively(queueName, work) {
      // Also where there are no locks, one at a time in this context.
      const result = tail.then(() => underLock(`${names.lock}:workbox:${queueName}`, platform(), work))
      tail = result.catch(() => undefined)
      return result
    },

    tell: (type, ids) => theChannel().post(type, { ids }),

    async close() {
      channel?.close()
      const storage = await opening
      storage?.close()
    },
  }
}

async function underLock(
  name: string,
  { locks, timeout }: Platform,
  work: (held: { exclusive: boolean }) => Promise<void>,
): Promise<void> {
  const signal = timeout(PATIENCE_MS)
  let hasBegun = false
  const begin = (held: { exclusive: boolean }) => {
    hasBegun = true
    return work(held)
  }
  try {
    await withLock(name, begin, { locks, signal })
  } catch (error) {
    if (hasBegun || error !== signal.reason) throw error
    await work({ exclusive: false })
  }
}
