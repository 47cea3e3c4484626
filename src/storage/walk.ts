import type { StoreName } from '../protocol/names.ts'
import type { Database } from './database.ts'
import { decodeBlob } from './encoded-blob.ts'

/** The callback of `iterate`: numbers begin at 1, and whatever it returns but `undefined` ends the walk. */
export type Visit = (value: unknown, key: string, iterationNumber: number) => unknown

/**
 * Visits each item of a store in the order of the keys, one in memory at a time, and gives what `visit` has ended it
 * with. An error of `visit` is the caller's own, and rejects as it is.
 */
export async function visitEach(database: Database, store: StoreName, visit: Visit): Promise<unknown> {
  let failure: { error: unknown } | undefined
  const result = await database.read(store, from =>
    walk(from, (...args) => {
      try {
        return visit(...args)
      } catch (error) {
        failure = { error }
        return failure
      }
    }),
  )
  if (failure) throw failure.error
  return result
}

/** The key at a place in the order of the keys; null beyond the end. */
export function keyAt(store: IDBObjectStore, index: number): Promise<IDBValidKey | null> {
  return new Promise((resolve, reject) => {
    let skipped = index === 0
    const request = store.openKeyCursor()
    request.onerror = () => reject(request.error)
    request.onsuccess = () => {
      const cursor = request.result
      if (!cursor || skipped) {
        resolve(cursor?.key ?? null)
        return
      }
      skipped = true
      advance(cursor, index, reject)
    }
  })
}

function walk(store: IDBObjectStore, visit: Visit): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let iterationNumber = 0
    const request = store.openCursor()
    request.onerror = () => reject(request.error)
    request.onsuccess = () => {
      const cursor = request.result
      if (!cursor) {
        resolve(undefined)
        return
      }
      iterationNumber += 1
      const result = visit(decodeBlob(cursor.value), String(cursor.key), iterationNumber)
      if (result === undefined) cursor.continue()
      else resolve(result)
    }
  })
}

function advance(cursor: IDBCursor, count: number, onError: (error: unknown) => void): void {
  try {
    cursor.advance(count)
  } catch (error) {
    // A count that is no positive whole number: thrown in a callback, it would reach nobody.
    onError(error)
  }
}
