import type { Storage } from '../storage/open-storage.ts'
import type { Terms } from '../tabs/election.ts'

/** The record of `meta` with the term of the last leader. */
const TERM_KEY = 'term'

/** The terms of the leaders of an outbox, in its database: transactions decide which one is later. */
export function createTerms(open: () => Promise<Storage>): Terms {
  return {
    async next(above) {
      const storage = await open()
      let term = 0
      // By the platform's own requests, since nothing may have to be loaded before a tab can lead; and relaxed: a power
      // cut ends all tabs that know of this term.
      const begin = (tx: IDBTransaction) => {
        const meta = tx.objectStore('meta')
        const last = meta.get(TERM_KEY)
        last.onsuccess = () => {
          term = Math.max(last.result ?? 0, above) + 1
          meta.put(term, TERM_KEY)
        }
      }
      await storage.write(['meta'], begin, { durability: 'relaxed' })
      return term
    },
    async isCurrent(term) {
      const { database } = await open()
      return ((await database.get<number>('meta', TERM_KEY)) ?? 0) <= term
    },
  }
}

/** Writes a record of `meta` for the leader of that term; nothing where a later term has begun. Says whether it did. */
export async function writeAsLeader(storage: Storage, term: number, key: string, value: unknown): Promise<boolean> {
  return storage.transact(['meta'], 'readwrite', async tx => {
    const meta = tx.objectStore('meta')
    if (((await meta.get(TERM_KEY)) ?? 0) > term) return false
    await meta.put(value, key)
    return true
  })
}
