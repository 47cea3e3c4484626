import type { ErrorParts } from '../protocol/errors.ts'
import type { StoreName } from '../protocol/names.ts'
import type { Database } from './database.ts'
import type { Target } from './driver.ts'

/** The callback of `iterate`: numbers begin at 1, and whatever it returns but `undefined` ends the walk. */
export type Visit = (value: unknown, key: string, iterationNumber: number) => unknown

/** What of a store few ever ask for. */
export const walks = { visitEach, keyAt, refusal }

export type Walks = typeof walks

/**
 * Visits each item of a store in the order of the keys, one in memory at a time, and gives what `visit` has ended it
 * with. An error of `visit` is the caller's own, and rejects as it is. `decode` makes of what is stored what is shown.
 */
async function visitEach(
  database: Database,
  store: StoreName,
  visit: Visit,
  decode: (stored: unknown) => unknown,
): Promise<unknown> {
  let failure: { error: unknown } | undefined
  const result = await database.read(store, from =>
    walk(from, (value, ...args) => {
      try {
        return visit(decode(value), ...args)
      } catch (error) {
        failure = { error }
        return failure
      }
    }),
  )
  if (failure) throw failure.error
  return result
}

/** The key at a place in the order of the keys; null where there is none. */
async function keyAt(database: Database, store: StoreName, index: number): Promise<IDBValidKey | null> {
  return index < 0 ? null : database.read(store, from => skipTo(from, index))
}

function skipTo(store: IDBObjectStore, index: number): Promise<IDBValidKey | null> {
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
      const result = visit(cursor.value, String(cursor.key), iterationNumber)
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

/** Says why an instance that is made for this target cannot be used with this database. */
function refusal({ name, storeName }: Target, database: string, stores: readonly string[]): ErrorParts {
  if (name === database) {
    return {
      code: 'invalid-options',
      action: `use the store "${storeName}"`,
      reason: 'the database has a fixed set of stores',
      hint: `Give createInstance() one of these as storeName: ${stores.join(', ')}.`,
    }
  }
  return {
    code: 'invalid-options',
    action: `use the database "${name}"`,
    reason: `this driver belongs to the database "${database}"`,
    hint: `Give createInstance() the name "${database}", or make a driver of the other database.`,
  }
}
