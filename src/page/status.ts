import type { QueueLimits } from '../outbox/append-context.ts'
import { COUNTERS_KEY, type Counters, NO_COUNTERS, type Tally, tallyOf } from '../outbox/counters.ts'
import { HELD_KEY, PAUSED_KEY } from '../outbox/pause.ts'
import { LAST_SYNC_KEY } from '../outbox/settled.ts'
import type { Link } from '../protocol/link.ts'
import type { ChannelMessage, DrainProgress } from '../protocol/messages.ts'
import { answerOf } from '../storage/database.ts'
import type { Storage } from '../storage/open-storage.ts'
import { linkOf, type SyncProgress, type SyncStatus, type WritableStatus } from './status-store.ts'

/** What keeps the status. */
export interface LiveStatus {
  /** Takes a message of the channel into account. */
  hear(message: ChannelMessage): void
  /** Reads the counts again. Never rejects. */
  refresh(): Promise<void>
  setLink(link: Pick<Link, 'online' | 'quality'>): void
  setLeader(leads: boolean): void
  /** As of the last link. */
  online(): boolean
  /** False only where the database said, at the last read, that nothing waits, or that nothing may be sent. */
  mayHavePending(): boolean
}

export interface StatusPorts {
  store: WritableStatus
  open: () => Promise<Storage>
  /** What the browser says of the network. */
  isOnline: () => boolean
  /** Whose writes are counted, see `laneOf`. */
  lane: () => string
  limits: QueueLimits
  now: () => number
  /** The share of what the browser lets this site store that is used, where it tells. */
  usedShare: () => Promise<number>
  /** The end of the client: what cannot be read after it says nothing. */
  signal: AbortSignal
}

/** Keeps the status: counts from the database, what is on its way from the channel. */
export function createStatus({ store, open, isOnline, now, signal, ...ports }: StatusPorts): LiveStatus {
  const sending = new Set<string>()
  let counts: Counts = { ...NOTHING, storage: 'durable' }
  let progress: SyncProgress | undefined
  let link: Pick<Link, 'online' | 'quality'> = linkOf(isOnline())
  let leader = false
  let isKnown = false
  const publish = () => store.set(toStatus(counts, { sending: sending.size, ...link, leader, progress }))
  const reread = createRefresh(async () => {
    const read = signal.aborted ? undefined : await readCounts(open, ports)
    if (signal.aborted) return
    isKnown = read !== undefined
    // What cannot be read is not nothing: the last known counts stand.
    counts = read ?? { ...counts, storage: 'unavailable' }
    publish()
  })

  const rereadSoon = createSoon(reread, now)

  return {
    hear(message) {
      if (message.type === 'sending') for (const id of message.ids) sending.add(id)
      if (message.type === 'settled') for (const id of message.ids) sending.delete(id)
      if (message.type === 'settled' && message.progress?.done) progress = progressOf(message.progress, now())
      if (message.type === 'drained') {
        sending.clear()
        progress = undefined
      }
      publish()
      if (message.type === 'settled') rereadSoon()
      else if (message.type !== 'sending') void reread()
    },
    refresh: reread,
    setLink({ online, quality }) {
      link = { online, quality }
      publish()
    },
    setLeader(leads) {
      leader = leads
      publish()
    },
    online: () => link.online,
    // What is paused or held goes on when somebody says so, and that is told.
    mayHavePending: () => !isKnown || (counts.pending > counts.held && !counts.paused && !counts.isHeld),
  }
}

const NOTHING = { ...tallyOf(NO_COUNTERS, ''), pressure: 0, paused: false, isHeld: false, lastSyncAt: undefined }

interface Counts extends Tally {
  pressure: number
  paused: boolean
  /** Whether the whole queue is held, since the server asked who this is. */
  isHeld: boolean
  lastSyncAt: number | undefined
  storage: SyncStatus['storage']
}

const META_KEYS = [COUNTERS_KEY, PAUSED_KEY, HELD_KEY, LAST_SYNC_KEY]

type CountPorts = Pick<StatusPorts, 'lane' | 'limits' | 'usedShare'>

/** Reads four records, however many wait. */
async function readCounts(open: StatusPorts['open'], ports: CountPorts): Promise<Counts | undefined> {
  try {
    const { database } = await open()
    const [records, usedShare] = await Promise.all([
      database.read('meta', meta => Promise.all(META_KEYS.map(key => answerOf(meta.get(key))))),
      ports.usedShare(),
    ])
    const [counters = NO_COUNTERS, paused, held, lastSyncAt] = records
    return {
      ...tallyOf(counters, ports.lane()),
      pressure: pressureOf(counters, ports.limits, usedShare),
      paused: paused !== undefined,
      isHeld: held !== undefined,
      lastSyncAt,
      storage: 'durable',
    }
  } catch {
    return undefined
  }
}

function pressureOf({ lanes }: Counters, limits: QueueLimits, usedShare: number): number {
  const total = (of: (tally: Tally) => number) => Object.values(lanes).reduce((sum, tally) => sum + of(tally), 0)
  const shares = [
    usedShare,
    total(({ pending }) => pending) / limits.mutations,
    total(({ bytes }) => bytes) / limits.bytes,
  ]
  // In hundredths, or every write would be a new status.
  return Math.min(1, Math.round(Math.max(...shares.filter(share => share >= 0)) * 100) / 100)
}

function progressOf({ done, total, startedAt }: DrainProgress, now: number): SyncProgress {
  const seconds = Math.max(now - startedAt, 1) / 1000
  const perSecond = Math.round((done / seconds) * 10) / 10
  return { done, total, perSecond, remainingMs: Math.round(((total - done) * seconds * 1000) / Math.max(done, 1)) }
}

interface Live extends Pick<SyncStatus, 'online' | 'quality' | 'leader'> {
  sending: number
  progress: SyncProgress | undefined
}

function toStatus(counts: Counts, { sending, online, quality, leader, progress }: Live): SyncStatus {
  const { pending, held, dead, pressure, lastSyncAt, storage } = counts
  const state = stateOf(counts, sending, online)
  const status: SyncStatus = { state, online, quality, leader, pending, sending, held, dead, pressure, storage }
  if (lastSyncAt !== undefined) status.lastSyncAt = new Date(lastSyncAt)
  if (progress) status.progress = progress
  return status
}

function stateOf({ pending, paused, isHeld }: Counts, sending: number, online: boolean): SyncStatus['state'] {
  if (paused) return 'paused'
  if (isHeld) return 'held'
  if (sending > 0) return 'syncing'
  if (!online) return 'offline'
  return pending > 0 ? 'waiting' : 'idle'
}

/** A drain ends many a second, and each read waits for the database that the drain needs. Milliseconds. */
const SETTLED_EVERY_MS = 100

/** Runs `read` at once where the last time was long enough ago, else when it is; calls meanwhile share that one. */
function createSoon(read: () => Promise<void>, now: () => number): () => void {
  let lastAt = Number.NEGATIVE_INFINITY
  let timer: ReturnType<typeof setTimeout> | undefined
  const run = () => {
    timer = undefined
    lastAt = now()
    void read()
  }
  return () => {
    if (timer !== undefined) return
    const sinceLast = now() - lastAt
    // A clock that was set back must not put it off for long.
    if (sinceLast < 0 || sinceLast >= SETTLED_EVERY_MS) return run()
    timer = setTimeout(run, SETTLED_EVERY_MS - sinceLast)
  }
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
