import { STORES, type StoreName } from '../protocol/names.ts'
import { errorName } from './error-name.ts'
import { closedError, unavailableError } from './storage-error.ts'

const LAYOUT_VERSION = 1
/** Indexes of the store `mutations`. A record that lacks the member is not in the index, and costs nothing there. */
const INDEXES: readonly { name: string; keyPath: string | string[]; options: IDBIndexParameters }[] = [
  { name: 'id', keyPath: 'id', options: { unique: true } },
  { name: 'entity', keyPath: ['entity', 'sequence'], options: {} },
  { name: 'waitsFor', keyPath: 'waitsFor', options: { multiEntry: true } },
]

export interface ConnectionOptions {
  name: string
  factory?: IDBFactory
}

export interface Connection {
  /** Opens the database where it is not open, and begins a transaction that is still active when this resolves. */
  begin(
    stores: readonly StoreName[],
    mode: IDBTransactionMode,
    options?: IDBTransactionOptions,
  ): Promise<IDBTransaction>
  /** Deletes the database with all that is in it. The next use makes a new one. */
  drop(): Promise<void>
  close(): void
}

/**
 * One connection to the database, opened at first use. It is given up when another context deletes or upgrades the
 * database, or when the browser takes it away; the next use opens it again.
 *
 * The database is opened by its factory and not by idb's `openDB`, because that one knows the global factory only.
 */
export function createConnection({ name, factory }: ConnectionOptions): Connection {
  let current: IDBDatabase | undefined
  let opening: Promise<IDBDatabase> | undefined
  let closed = false

  const forget = (lost: IDBDatabase) => {
    if (current === lost) current = undefined
  }

  const open = async (): Promise<IDBDatabase> => {
    try {
      const opened = await openAgainIfAborted(() => openLayout(name, factory ?? globalFactory(name)))
      if (closed) {
        opened.close()
        throw closedError(name)
      }
      // "blocking": whoever wants to delete or upgrade the database must not wait for us.
      opened.addEventListener('versionchange', () => {
        forget(opened)
        opened.close()
      })
      // "terminated": the browser closed it, for instance because the person cleared the site's data.
      opened.addEventListener('close', () => forget(opened))
      current = opened
      return opened
    } catch (cause) {
      throw unavailableError(name, cause)
    }
  }

  const release = () => {
    current?.close()
    current = undefined
  }

  const database = (): IDBDatabase | Promise<IDBDatabase> => {
    if (closed) throw closedError(name)
    if (current) return current
    opening ??= open().finally(() => {
      opening = undefined
    })
    return opening
  }

  const beginAgain = (
    reopened: IDBDatabase,
    ...[stores, mode, options]: Parameters<Connection['begin']>
  ): IDBTransaction => {
    try {
      return reopened.transaction([...stores], mode, options)
    } catch (cause) {
      throw unavailableError(name, cause)
    }
  }

  return {
    async begin(stores, mode, options) {
      const first = await database()
      try {
        return first.transaction([...stores], mode, options)
      } catch (cause) {
        // The connection is closing, and nobody has told us yet. No request was made, so that trying again is safe.
        if (closed) throw closedError(name)
        if (errorName(cause) !== 'InvalidStateError') throw cause
        forget(first)
        return beginAgain(await database(), stores, mode, options)
      }
    },
    async drop() {
      if (closed) throw closedError(name)
      const { deleteDatabase } = await import('./on-demand.ts')
      await opening?.catch(() => undefined)
      release()
      await deleteDatabase(name, factory ?? globalFactory(name))
    },
    close() {
      closed = true
      release()
    },
  }
}

/**
 * While a browser takes a site's data away it also ends openings that have just begun, with an AbortError. Nothing was
 * done by then, so that opening once more is safe.
 */
async function openAgainIfAborted(open: () => Promise<IDBDatabase>): Promise<IDBDatabase> {
  try {
    return await open()
  } catch (cause) {
    if (errorName(cause) !== 'AbortError') throw cause
    return open()
  }
}

function globalFactory(name: string): IDBFactory {
  const { indexedDB } = globalThis as { indexedDB?: IDBFactory | null }
  if (!indexedDB) throw unavailableError(name)
  return indexedDB
}

/**
 * Opens the database with every store of ours. A database at another version is one that plain localforage opened first
 * or added a store to (it counts the version up for each): its version is taken as it is, and counted up by us only when
 * a store or an index of ours is missing.
 */
async function openLayout(name: string, factory: IDBFactory): Promise<IDBDatabase> {
  let database = await openAsFound(name, factory)
  // More than once only when somebody else counts the version up at the same time.
  while (!hasLayout(database)) {
    const next = database.version + 1
    database.close()
    database = await openAt(name, factory, next)
  }
  return database
}

async function openAsFound(name: string, factory: IDBFactory): Promise<IDBDatabase> {
  try {
    return await openAt(name, factory, LAYOUT_VERSION)
  } catch (cause) {
    if (errorName(cause) !== 'VersionError') throw cause
    return openAt(name, factory)
  }
}

function openAt(name: string, factory: IDBFactory, version?: number): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = version === undefined ? factory.open(name) : factory.open(name, version)
    request.onupgradeneeded = () => {
      if (request.transaction) createLayout(request.result, request.transaction)
    }
    request.onblocked = () => {
      console.warn(`holdfast: the database "${name}" waits for another tab.`)
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** Adds what is missing and leaves what is there, so that two contexts may do it one after the other. */
function createLayout(database: IDBDatabase, transaction: IDBTransaction): void {
  for (const name of STORES) {
    if (!database.objectStoreNames.contains(name)) database.createObjectStore(name)
  }
  const mutations = transaction.objectStore('mutations')
  for (const { name, keyPath, options } of INDEXES) {
    if (!mutations.indexNames.contains(name)) mutations.createIndex(name, keyPath, options)
  }
}

function hasLayout(database: IDBDatabase): boolean {
  if (!STORES.every(name => database.objectStoreNames.contains(name))) return false
  if (database.version === LAYOUT_VERSION) return true
  const { indexNames } = database.transaction('mutations').objectStore('mutations')
  return INDEXES.every(({ name }) => indexNames.contains(name))
}
