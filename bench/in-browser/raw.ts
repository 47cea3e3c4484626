/** What an app would write by hand: one store without an index, and one transaction for each record. */
export interface Raw {
  /** Resolves when the transaction is complete. */
  put(record: RawRecord, durability: IDBTransactionDurability): Promise<void>
  /** All of them in one transaction. */
  putAll(records: RawRecord[], durability: IDBTransactionDurability): Promise<void>
  /** Every value, in the order of the keys, by one `getAll()`. */
  getAll<T>(): Promise<T[]>
  /** Deletes them in one transaction. */
  delete(keys: string[], durability: IDBTransactionDurability): Promise<void>
  close(): void
}

export interface RawRecord {
  key: string
  value: unknown
}

export async function openRaw(name: string): Promise<Raw> {
  const database = await openDatabase(name, made => made.createObjectStore('mutations'))

  const write = (durability: IDBTransactionDurability, issue: (store: IDBObjectStore) => void) =>
    new Promise<void>((resolve, reject) => {
      const tx = database.transaction('mutations', 'readwrite', { durability })
      issue(tx.objectStore('mutations'))
      tx.oncomplete = () => resolve()
      tx.onabort = () => reject(tx.error)
    })

  const putAll: Raw['putAll'] = (records, durability) =>
    write(durability, store => {
      for (const { key, value } of records) store.put(value, key)
    })

  return {
    put: (record, durability) => putAll([record], durability),
    putAll,
    getAll: () => answerOf(database.transaction('mutations').objectStore('mutations').getAll()),
    delete: (keys, durability) =>
      write(durability, store => {
        for (const key of keys) store.delete(key)
      }),
    close: () => database.close(),
  }
}

export function openDatabase(name: string, make?: (database: IDBDatabase) => void): Promise<IDBDatabase> {
  const request = indexedDB.open(name)
  request.onupgradeneeded = () => make?.(request.result)
  return answerOf(request)
}

export function deleteDatabase(name: string): Promise<unknown> {
  return answerOf(indexedDB.deleteDatabase(name))
}

export function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
