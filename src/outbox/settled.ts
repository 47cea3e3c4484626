import type { Settlement } from '../protocol/settlement.ts'
import type { Storage } from '../storage/open-storage.ts'

/** The record of `meta` with the time at which the server last confirmed a write. */
export const LAST_SYNC_KEY = 'last-sync-at'

/** How a mutation ended, kept in `meta` so that a page can learn it that was not there, or was reloaded. */
export interface SettledRecord {
  /** Milliseconds since the epoch. */
  at: number
  settlement: Settlement
}

export function settledKey(id: string): string {
  return `${PREFIX}${id}`
}

/** Removes the answers that are older than a day; a few hundred at a time, since it runs with each drain. */
export async function forgetOldAnswers(storage: Storage, now: number): Promise<void> {
  await storage.transact(
    ['meta'],
    'readwrite',
    async tx => {
      let looked = 0
      let cursor = await tx.store.openCursor(IDBKeyRange.bound(PREFIX, `${PREFIX}\uffff`))
      while (cursor && looked < PURGE_LIMIT) {
        if (now - (cursor.value as SettledRecord).at > KEEP_MS) await cursor.delete()
        looked += 1
        cursor = await cursor.continue()
      }
    },
    { durability: 'relaxed' },
  )
}

const PREFIX = 'settled:'
const KEEP_MS = 24 * 60 * 60 * 1000
const PURGE_LIMIT = 200
