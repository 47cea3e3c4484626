import type { StoreName } from '../protocol/names.ts'

/** A write to one store, as it waits for its transaction. Doing it twice is doing it once. */
export type Change =
  | { kind: 'put'; store: StoreName; entries: (readonly [key: string, value: unknown])[] }
  | { kind: 'delete'; store: StoreName; key: string }
  | { kind: 'clear'; store: StoreName }

export function applyChange(tx: IDBTransaction, change: Change): void {
  const store = tx.objectStore(change.store)
  if (change.kind === 'put') for (const [key, value] of change.entries) store.put(value, key)
  else if (change.kind === 'delete') store.delete(change.key)
  else store.clear()
}

/** A copy that the caller's later assignments do not reach: what is stored is what was passed. */
export function holdChange(change: Change): Change {
  return change.kind === 'put' ? { ...change, entries: structuredClone(change.entries) } : change
}

export function storesOf(changes: Change[]): StoreName[] {
  return [...new Set(changes.map(({ store }) => store))]
}
