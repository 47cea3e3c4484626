import { type KeyBounds, keyRangeOf } from './key-range.ts'

export interface RangeOptions extends KeyBounds {
  /** At most that many values; default: all. */
  limit?: number
  /** `prev` gives the greatest keys first; default: `next`. */
  direction?: 'next' | 'prev'
}

/** Values per request: large enough that the requests cost little, small enough that one answer is no lump. */
const PAGE = 1_000

/** Reads the values of a range in the order of their keys, page by page, inside the store's transaction. */
export async function readRange<T>(store: IDBObjectStore, options: RangeOptions): Promise<T[]> {
  const { direction = 'next' } = options
  const limit = Math.floor(options.limit ?? Number.POSITIVE_INFINITY)
  const keys = keyRangeOf(options)
  // A count of 0 would mean "all" to IndexedDB.
  if (keys === 'empty' || !(limit > 0)) return []
  if (direction === 'next') return readPages(store, keys, limit)
  const last = Number.isFinite(limit) ? await lastKeys(store, keys, limit) : keys
  return (await readPages<T>(store, last, Number.POSITIVE_INFINITY)).reverse()
}

/** Counts the keys of a range without reading a value. */
export function countRange(store: IDBObjectStore, bounds: KeyBounds): Promise<number> {
  return new Promise((resolve, reject) => {
    const keys = keyRangeOf(bounds)
    if (keys === 'empty') return resolve(0)
    const request = store.count(keys)
    request.onerror = () => reject(request.error)
    request.onsuccess = () => resolve(request.result)
  })
}

function readPages<T>(store: IDBObjectStore, keys: IDBKeyRange | undefined, limit: number): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const values: T[] = []
    const readPage = (range: IDBKeyRange | undefined, left: number) => {
      const size = Math.min(PAGE, left)
      // Values do not tell their keys. Keys come sooner than values, so that the next page is on its way while the
      // values of this one are unpacked: pages cost no more than one large `getAll`.
      const page = size < left ? store.getAllKeys(range, size) : undefined
      const answer = store.getAll(range, size)
      let isLast = true
      if (page) {
        page.onerror = () => reject(page.error)
        page.onsuccess = () => {
          const lastKey = page.result[size - 1]
          if (lastKey === undefined || lastKey === range?.upper) return
          isLast = false
          readPage(from(lastKey, range, true), left - size)
        }
      }
      answer.onerror = () => reject(answer.error)
      answer.onsuccess = () => {
        for (const value of answer.result) values.push(value as T)
        if (isLast) resolve(values)
      }
    }
    readPage(keys, limit)
  })
}

/** The part of the range that holds its last `limit` keys. */
function lastKeys(
  store: IDBObjectStore,
  keys: IDBKeyRange | undefined,
  limit: number,
): Promise<IDBKeyRange | undefined> {
  return new Promise((resolve, reject) => {
    let skip = limit - 1
    const request = store.openKeyCursor(keys, 'prev')
    request.onerror = () => reject(request.error)
    request.onsuccess = () => {
      const cursor = request.result
      if (cursor && skip > 0) {
        cursor.advance(skip)
        skip = 0
      } else {
        resolve(cursor ? from(cursor.key, keys) : keys)
      }
    }
  })
}

/** What of the range begins at a key in it, or behind that key. */
function from(lower: IDBValidKey, range: IDBKeyRange | undefined, isOpen = false): IDBKeyRange {
  if (range?.upper === undefined) return IDBKeyRange.lowerBound(lower, isOpen)
  return IDBKeyRange.bound(lower, range.upper, isOpen, range.upperOpen)
}
