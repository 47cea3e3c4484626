/** What an app would write by hand: one store without an index, and one transaction for each record. */
export interface Raw {
  /** Resolves when the transaction is complete. */
  put(record: RawRecord, durability: IDBTransactionDurability): Promise<void>
  /** All of them in one transaction. */
  putAll(records: RawRecord[], durability: IDBTransactionDurability): Promise<void>
  close(): void
}

export interface RawRecord {
  key: string
  value: unknown
}

export async function openRaw(name: string): Promise<Raw> {
  const database = await openDatabase(name, made => made.createObjectStore('mutations'))

  const putAll: Raw['putAll'] = (records, durability) =>
    new Promise((resolve, reject) => {
      const tx = database.transaction('mutations', 'readwrite', { durability })
      const store = tx.objectStore('mutations')
      for (const { key, value } of records) store.put(value, key)
      tx.oncomplete = () => resolve()
      tx.onabort = () => reject(tx.error)
    })

  return {
    put: (record, durability) => putAll([record], durability),
    putAll,
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
