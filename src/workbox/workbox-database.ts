import { answerOf } from '../storage/database.ts'
import { errorName } from '../storage/error-name.ts'
import type { StoredEntry } from './queue-entry.ts'

/** An entry as workbox-background-sync stores it. */
export interface WorkboxEntry extends StoredEntry {
  id: number
  queueName: string
}

/** The database in which workbox-background-sync keeps all queues of an origin. */
export interface WorkboxDatabase {
  /** The entries of a queue behind that id, in their order. */
  entriesOf(queueName: string, behind: number): Promise<WorkboxEntry[]>
  /** Removes an entry, and resolves when that is on record. */
  delete(id: number): Promise<void>
  close(): void
}

/** Opens it; undefined where there is none, and then none is made. */
export async function openWorkboxDatabase(factory: IDBFactory): Promise<WorkboxDatabase | undefined> {
  const database = await openExisting(factory)
  if (!database) return undefined
  // A worker of the app that still uses Workbox may upgrade it.
  database.onversionchange = () => database.close()
  if (!hasLayout(database)) {
    database.close()
    return undefined
  }
  return {
    async entriesOf(queueName, behind) {
      const store = database.transaction(STORE).objectStore(STORE)
      const keys = await answerOf(store.index('queueName').getAllKeys(IDBKeyRange.only(queueName)))
      const next = keys.filter(key => Number(key) > behind).slice(0, PAGE)
      return Promise.all(next.map(key => answerOf<WorkboxEntry>(store.get(key))))
    },
    delete(id) {
      const tx = database.transaction(STORE, 'readwrite', { durability: 'strict' })
      tx.objectStore(STORE).delete(id)
      return new Promise((resolve, reject) => {
        tx.oncomplete = () => resolve()
        tx.onabort = () => reject(tx.error)
      })
    },
    close: () => database.close(),
  }
}

const NAME = 'workbox-background-sync'
const STORE = 'requests'

/** Bodies are read so many at a time. */
const PAGE = 20

/** The one of version 3; Workbox itself drops what older versions of it have left. */
function hasLayout(database: IDBDatabase): boolean {
  if (!database.objectStoreNames.contains(STORE)) return false
  return database.transaction(STORE).objectStore(STORE).indexNames.contains('queueName')
}

async function openExisting(factory: IDBFactory): Promise<IDBDatabase | undefined> {
  const request = factory.open(NAME)
  let isNew = false
  request.onupgradeneeded = () => {
    isNew = true
    request.transaction?.abort()
  }
  try {
    return await answerOf(request)
  } catch (error) {
    if (isNew && errorName(error) === 'AbortError') return undefined
    throw error
  }
}
