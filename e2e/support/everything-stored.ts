import type { Page } from '@playwright/test'

/** Every key and value of every IndexedDB database of the page's origin, as one text. Bytes are read as text. */
export function everythingStored(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const decoder = new TextDecoder()
    const asText = (_name: string, value: unknown) => (value instanceof ArrayBuffer ? decoder.decode(value) : value)
    const answerOf = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const found: unknown[] = []
    for (const { name = '' } of await indexedDB.databases()) {
      const database = await answerOf(indexedDB.open(name))
      for (const store of database.objectStoreNames) {
        const objects = database.transaction(store).objectStore(store)
        found.push(name, store, ...(await Promise.all([answerOf(objects.getAllKeys()), answerOf(objects.getAll())])))
      }
      database.close()
    }
    return JSON.stringify(found, asText)
  })
}
