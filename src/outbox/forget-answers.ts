import type { Storage } from '../storage/open-storage.ts'
import { SETTLED_PREFIX, type SettledRecord } from './settled.ts'

/** Removes the answers that are older than a day; a few hundred at a time, since it runs with each drain. */
export async function forgetOldAnswers(storage: Storage, now: number): Promise<void> {
  await storage.transact(
    ['meta'],
    'readwrite',
    async tx => {
      let looked = 0
      let cursor = await tx.store.openCursor(IDBKeyRange.bound(SETTLED_PREFIX, `${SETTLED_PREFIX}\uffff`))
      while (cursor && looked < PURGE_LIMIT) {
        if (now - (cursor.value as SettledRecord).at > KEEP_MS) await cursor.delete()
        looked += 1
        cursor = await cursor.continue()
      }
    },
    { durability: 'relaxed' },
  )
}

const KEEP_MS = 24 * 60 * 60 * 1000
const PURGE_LIMIT = 200
