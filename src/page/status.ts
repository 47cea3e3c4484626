import { HELD_KEY, PAUSED_KEY } from '../outbox/pause.ts'
import { LAST_SYNC_KEY } from '../outbox/settled.ts'
import type { ChannelMessage } from '../protocol/messages.ts'
import { answerOf } from '../storage/database.ts'
import type { Storage } from '../storage/open-storage.ts'
import { tellAll } from '../tabs/tell-all.ts'

/** What a person wants to know about their writes. A new object for each change. */
export interface SyncStatus {
  /** In one word: `paused`, `held` (the server asked who this is: sign in, then `resume()`), `offline`, `syncing` (an attempt is under way), `waiting` (something waits) or `idle`. */
  state: 'paused' | 'held' | 'offline' | 'syncing' | 'waiting' | 'idle'
  /** False only where the browser knows that there is no network. */
  online: boolean
  /** Writes in the queue, those on their way included. */
  pending: number
  /** Of these, how many are on their way now. */
  sending: number
  /** Dead letters, which wait for a person. */
  dead: number
  /** When the server last confirmed a write. */
  lastSyncAt?: Date
  /** `unavailable`: the browser refuses the database, and `mutate()` rejects. */
  storage: 'durable' | 'unavailable'
}

export interface StatusStore {
  get(): SyncStatus
  /** Calls `fn` with each new status; the function it returns ends that. */
  subscribe(fn: (status: SyncStatus) => void): () => void
}

export interface LiveStatus extends StatusStore {
  /** Takes a message of the channel into account. */
  hear(message: ChannelMessage): void
  /** Reads the counts again. Never rejects. */
  refresh(): Promise<void>
  setOnline(online: boolean): void
  /** False only where the database said, at the last read, that nothing waits. */
  mayHavePending(): boolean
}

/** Keeps the status: counts from the database, what is on its way from the channel. */
export function createStatus({ open, online }: { open: () => Promise<Storage>; online: boolean }): LiveStatus {
  const listeners = new Set<(status: SyncStatus) => void>()
  const sending = new Set<string>()
  let counts: Counts = { ...NOTHING, storage: 'durable' }
  let isOnline = online
  let isKnown = false
  let status = toStatus(counts, 0, isOnline)
  const reread = createRefresh(async () => {
    const read = await readCounts(open)
    isKnown = read !== undefined
    // What cannot be read is not nothing: the last known counts stand.
    counts = read ?? { ...counts, storage: 'unavailable' }
    publish()
  })

  function publish(): void {
    const next = toStatus(counts, sending.size, isOnline)
    if (isSame(status, next)) return
    status = next
    tellAll(listeners, status)
  }

  return {
    get: () => status,
    subscribe(fn) {
      listeners.add(fn)
      return () => listeners.delete(fn)
    },
    hear(message) {
      if (message.type === 'sending') for (const id of message.ids) sending.add(id)
      if (message.type === 'settled') for (const id of message.ids) sending.delete(id)
      if (message.type === 'drained') sending.clear()
      publish()
      if (message.type !== 'sending') void reread()
    },
    refresh: reread,
    setOnline(now) {
      isOnline = now
      publish()
    },
    mayHavePending: () => !isKnown || counts.pending > 0,
  }
}

const NOTHING = { pending: 0, dead: 0, paused: false, held: false, lastSyncAt: undefined }

interface Counts {
  pending: number
  dead: number
  paused: boolean
  held: boolean
  lastSyncAt: number | undefined
  storage: SyncStatus['storage']
}

const META_KEYS = [PAUSED_KEY, HELD_KEY, LAST_SYNC_KEY]

async function readCounts(open: () => Promise<Storage>): Promise<Counts | undefined> {
  try {
    const { database, mutations, dead } = await open()
    const [pending, deadCount, [paused, held, lastSyncAt]] = await Promise.all([
      mutations.count(),
      dead.count(),
      database.read('meta', meta => Promise.all(META_KEYS.map(key => answerOf(meta.get(key))))),
    ])
    return {
      pending,
      dead: deadCount,
      paused: paused !== undefined,
      held: held !== undefined,
      lastSyncAt,
      storage: 'durable',
    }
  } catch {
    return undefined
  }
}

function toStatus(counts: Counts, sending: number, online: boolean): SyncStatus {
  const { pending, dead, lastSyncAt, storage } = counts
  const status: SyncStatus = { state: stateOf(counts, sending, online), online, pending, sending, dead, storage }
  if (lastSyncAt !== undefined) status.lastSyncAt = new Date(lastSyncAt)
  return status
}

function stateOf({ pending, paused, held }: Counts, sending: number, online: boolean): SyncStatus['state'] {
  if (paused) return 'paused'
  if (held) return 'held'
  if (sending > 0) return 'syncing'
  if (!online) return 'offline'
  return pending > 0 ? 'waiting' : 'idle'
}

function isSame(a: SyncStatus, b: SyncStatus): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Calls that come while one is under way share the next one, so that a burst of changes costs two reads. */
function createRefresh(read: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined
  let next: Promise<void> | undefined
  const start = (): Promise<void> => {
    current = read().finally(() => {
      current = undefined
    })
    return current
  }
  return () => {
    if (!current) return start()
    next ??= current.then(() => {
      next = undefined
      return start()
    })
    return next
  }
}
