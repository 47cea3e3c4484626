import { tellAll } from '../tabs/tell-all.ts'

/** What a person wants to know about their writes. A new object for each change. */
export interface SyncStatus {
  /** In one word: `paused`, `held` (the server asked who this is: sign in, then `resume()`), `offline`, `syncing` (an attempt is under way), `waiting` (something waits) or `idle`. */
  state: 'paused' | 'held' | 'offline' | 'syncing' | 'waiting' | 'idle'
  /** Whether the server is believed to be in reach: the browser says so, and no probe has found otherwise. */
  online: boolean
  /** How good the way to the server is: `none` where not online, `slow` where small answers take long. */
  quality: 'fast' | 'slow' | 'none'
  /** Whether this tab is the one that watches the network, and sends where there is no worker. One tab of all is. */
  leader: boolean
  /** Writes in the queue, those on their way included. */
  pending: number
  /** Of these, how many are on their way now. */
  sending: number
  /** Of these, how many wait for a person to say whether they are sent again: an attempt may have arrived. */
  held: number
  /** Dead letters, which wait for a person. */
  dead: number
  /**
   * How full the outbox is, from 0 to 1, where `mutate()` rejects with `outbox-full`: the greatest share of one of the
   * limits, and of what the browser lets this site store.
   */
  pressure: number
  /** How far the present drain is. */
  progress?: SyncProgress
  /** When the server last confirmed a write. */
  lastSyncAt?: Date
  /** `unavailable`: the browser refuses the database, and `mutate()` rejects. */
  storage: 'durable' | 'unavailable'
}

/** How far a drain is: `done` of `total` writes. */
export interface SyncProgress {
  done: number
  total: number
  /** Writes a second, so far. */
  perSecond: number
  /** The time left at that rate, in milliseconds. */
  remainingMs: number
}

export interface StatusStore {
  get(): SyncStatus
  /** Calls `fn` with each new status; the function it returns ends that. */
  subscribe(fn: (status: SyncStatus) => void): () => void
}

/** The status, and the way to give it a new one. */
export interface WritableStatus extends StatusStore {
  set(status: SyncStatus): void
}

/** Holds the status. Until the database is read there is nothing to tell but whether there is a network. */
export function createStatusStore(online: boolean): WritableStatus {
  const listeners = new Set<(status: SyncStatus) => void>()
  let status: SyncStatus = { state: online ? 'idle' : 'offline', ...linkOf(online), ...UNKNOWN }
  return {
    get: () => status,
    subscribe(fn) {
      listeners.add(fn)
      return () => listeners.delete(fn)
    },
    set(next) {
      if (JSON.stringify(next) === JSON.stringify(status)) return
      status = next
      tellAll(listeners, status)
    },
  }
}

/** What the browser's word alone says. */
export function linkOf(online: boolean) {
  return { online, quality: online ? 'fast' : 'none' } as const
}

const UNKNOWN = { leader: false, pending: 0, sending: 0, held: 0, dead: 0, pressure: 0, storage: 'durable' } as const
