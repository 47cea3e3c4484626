import type { IDBPTransaction, wrap } from 'idb'
import type { StoreName } from '../protocol/names.ts'
import { createConnection } from './connection.ts'
import { errorName } from './error-name.ts'
import type { KeyBounds } from './key-range.ts'
import type { RangeOptions } from './range.ts'
import { storageError } from './storage-error.ts'

/** `strict`: complete means flushed to the disk. `relaxed`: complete means handed to the operating system. */
export type Durability = 'strict' | 'relaxed'

export interface DatabaseOptions {
  name: string
  /** For every write that does not say it itself; default: `strict`. */
  durability?: Durability
  /** Default: the global `indexedDB`, looked up at first use. */
  factory?: IDBFactory
  /**
   * Gives `idb`'s `wrap`, which `transact` needs. Default: loads `idb` when it is first asked for, because a page records
   * writes without it. A worker, which is one file, gives it at once.
   */
  loadWrap?: () => Wrap | Promise<Wrap>
}

export type Wrap = typeof wrap

export interface WriteOptions {
  durability?: Durability
}

/** A transaction as `idb` wraps it: requests are promises. */
export type Transaction<Names extends readonly StoreName[], Mode extends 'readonly' | 'readwrite'> = IDBPTransaction<
  unknown,
  Names,
  Mode
>

/**
 * The database of an outbox. Every method rejects with a `HoldfastError`, never with an empty answer: `quota-exceeded`,
 * `storage-unavailable` when the database cannot be opened, `closed` after `close()`, else `storage-failed`, with the
 * platform's own error as `cause`.
 */
export interface Database {
  readonly name: string
  /**
   * Runs `work` in one transaction over several stores, and resolves when that is complete, not when its requests
   * succeeded. When `work` throws or rejects, nothing of it is kept. `work` must await nothing but requests of `tx`: a
   * transaction ends by itself as soon as none is pending.
   */
  transact<T, const Names extends readonly StoreName[], Mode extends 'readonly' | 'readwrite'>(
    stores: Names,
    mode: Mode,
    work: (tx: Transaction<Names, Mode>) => Promise<T> | T,
    options?: WriteOptions,
  ): Promise<T>
  /**
   * The same for the hot path, with the platform's own transaction: `work` issues its requests before it returns, and may
   * go on in their callbacks.
   */
  write(stores: readonly StoreName[], work: (tx: IDBTransaction) => void, options?: WriteOptions): Promise<void>
  /**
   * Values in the order of their keys, read in pages of one transaction. Who walks a store of unknown size gives a
   * `limit`, and the last key as the next open `lower`, so that one page is in memory at a time.
   */
  range<T>(store: StoreName, options?: RangeOptions): Promise<T[]>
  /** Counts without reading a value. */
  count(store: StoreName, bounds?: KeyBounds): Promise<number>
  get<T>(store: StoreName, key: string): Promise<T | undefined>
  /** Reads with the platform's own object store, in one transaction. */
  read<T>(store: StoreName, issue: (from: IDBObjectStore) => Promise<T>): Promise<T>
  /** Deletes the database with all that is in it, of every context. The next use makes a new one. */
  drop(): Promise<void>
  /** Work that has begun is finished; whatever comes later rejects with `closed`. */
  close(): void
}

/**
 * Gives the database of that name with the stores of `STORES`. It is opened at first use, and again when the connection
 * was lost: another context deleted or upgraded the database, or the browser took it away. Work that was under way then
 * rejects; nothing is repeated behind your back, but for a transaction that could not even begin.
 *
 * @example
 * const database = openDatabase({ name: 'holdfast' })
 * await database.transact(['mutations', 'dead'], 'readwrite', async tx => {
 *   const mutation = await tx.objectStore('mutations').get('0001')
 *   await tx.objectStore('dead').put({ ...mutation, reason: 'status' }, '0001')
 *   await tx.objectStore('mutations').delete('0001')
 * })
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { name, durability = 'strict', factory, loadWrap = loadIdb } = options
  const connection = createConnection({ name, factory })

  const begin = (stores: readonly StoreName[], mode: IDBTransactionMode, options?: WriteOptions) =>
    connection.begin(stores, mode, mode === 'readonly' ? undefined : { durability: options?.durability ?? durability })

  const attempt = async <T>(action: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      throw storageError(`${action} the database "${name}"`, cause)
    }
  }

  const read = <T>(store: StoreName, issue: (from: IDBObjectStore) => Promise<T>): Promise<T> =>
    attempt('read from', async () => issue((await begin([store], 'readonly')).objectStore(store)))

  return {
    name,
    transact: (stores, mode, work, options) =>
      attempt(mode === 'readonly' ? 'read from' : 'write to', async () => {
        const wrap = await loadWrap()
        const tx = await begin(stores, mode, options)
        return inTransaction(tx, () => work(wrapped(wrap, tx)), true)
      }),
    write: (stores, work, options) =>
      attempt('write to', async () => {
        const tx = await begin(stores, 'readwrite', options)
        await inTransaction(tx, () => work(tx))
      }),
    // What only some callers need is loaded when it is asked for: a page that records writes reads no range.
    async range(store, options = {}) {
      const { readRange } = await import('./on-demand.ts')
      return read(store, from => readRange(from, options))
    },
    async count(store, bounds) {
      if (!bounds) return read(store, from => answerOf(from.count()))
      const { countRange } = await import('./on-demand.ts')
      return read(store, from => countRange(from, bounds))
    },
    read,
    get: (store, key) => read(store, from => answerOf(from.get(key))),
    drop: () => attempt('delete', connection.drop),
    close: connection.close,
  }
}

/** The answer of one request. For a read that is enough; a write is certain only when its transaction is complete. */
export function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

async function loadIdb(): Promise<Wrap> {
  return (await import('idb')).wrap
}

function wrapped<Names extends readonly StoreName[], Mode extends 'readonly' | 'readwrite'>(
  wrap: Wrap,
  tx: IDBTransaction,
): Transaction<Names, Mode> {
  const wrappedTx = wrap(tx) as unknown as Transaction<Names, Mode>
  // We watch the platform's transaction; idb's own promise of its end is nobody's, and must not count as unhandled.
  wrappedTx.done.catch(() => undefined)
  return wrappedTx
}

/** `isLast`: nothing is asked for any more when the work is over. */
async function inTransaction<T>(tx: IDBTransaction, work: () => Promise<T> | T, isLast?: boolean): Promise<T> {
  const complete = completionOf(tx)
  try {
    const result = await work()
    // Sooner than the browser would find out by itself.
    if (isLast) unlessEnded(() => tx.commit?.())
    await complete
    return result
  } catch (cause) {
    unlessEnded(() => tx.abort())
    await complete.catch(() => undefined)
    // Where the platform aborts, pending requests say "AbortError" only: the reason stands in the transaction.
    throw errorName(cause) === 'AbortError' && tx.error ? tx.error : cause
  }
}

function completionOf(tx: IDBTransaction): Promise<void> {
  const complete = new Promise<void>((resolve, reject) => {
    tx.addEventListener('complete', () => resolve())
    tx.addEventListener('abort', () =>
      reject(tx.error ?? new DOMException('The transaction was aborted', 'AbortError')),
    )
  })
  // It is awaited after the work only, and must not count as unhandled until then.
  complete.catch(() => undefined)
  return complete
}

/** It may have ended already. */
function unlessEnded(act: () => void): void {
  try {
    act()
  } catch {}
}
