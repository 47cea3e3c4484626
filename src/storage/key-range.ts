/** Bounds of keys, both included unless they are said to be open. */
export interface KeyBounds {
  lower?: string
  lowerOpen?: boolean
  upper?: string
  upperOpen?: boolean
}

/**
 * The IDBKeyRange of bounds. IndexedDB has no empty range and throws instead; here it is an answer, because whoever walks
 * on from the last key comes upon it.
 */
export function keyRangeOf({ lower, lowerOpen, upper, upperOpen }: KeyBounds): IDBKeyRange | undefined | 'empty' {
  if (lower === undefined && upper === undefined) return undefined
  if (upper === undefined) return IDBKeyRange.lowerBound(lower, lowerOpen)
  if (lower === undefined) return IDBKeyRange.upperBound(upper, upperOpen)
  if (lower > upper || (lower === upper && (lowerOpen || upperOpen))) return 'empty'
  return IDBKeyRange.bound(lower, upper, lowerOpen, upperOpen)
}
