import { type Mutation, orderKey } from '../protocol/mutation.ts'
import { createGroupCommit } from '../storage/group-commit.ts'
import type { Storage } from '../storage/open-storage.ts'
import type { PreparedMutation } from './mutation-input.ts'

/** The record of `meta` that holds how many mutations were ever appended: the place of the last one in the order. */
export const SEQUENCE_KEY = 'sequence'

/**
 * Makes the function that appends mutations. It resolves when the transaction that holds the mutation is complete;
 * appends that are made at once share one transaction, in the order of the calls.
 *
 * The place in the order comes from a counter that is read and written in that same transaction, so that neither a
 * device clock that jumps nor another tab can put a later write before an earlier one. Reading first and writing then
 * would cost a second trip to the database at each append: the records are written at once under the place that this
 * context expects, and moved within the transaction where another context was faster.
 */
export function createAppend(storage: Storage): (prepared: PreparedMutation) => Promise<void> {
  let expected = 0

  async function write(items: PreparedMutation[]): Promise<undefined[]> {
    let last = expected
    const stores = items.some(item => item.apart !== undefined)
      ? (['mutations', 'meta', 'blobs'] as const)
      : (['mutations', 'meta'] as const)
    await storage.write([...stores], tx => {
      const meta = tx.objectStore('meta')
      const current = meta.get(SEQUENCE_KEY)
      const guess = putAll(tx, items, expected)
      last = expected + items.length
      meta.put(last, SEQUENCE_KEY)
      putBodies(tx, items)

      current.onsuccess = () => {
        const sequence: number = current.result ?? 0
        if (sequence === expected) return
        const mutations = tx.objectStore('mutations')
        for (const key of guess) mutations.delete(key)
        putAll(tx, items, sequence)
        last = sequence + items.length
        meta.put(last, SEQUENCE_KEY)
      }
    })
    expected = last
    return items.map(() => undefined)
  }

  return createGroupCommit({ write })
}

function putAll(tx: IDBTransaction, items: PreparedMutation[], sequence: number): string[] {
  const store = tx.objectStore('mutations')
  return items.map(({ mutation }, index) => {
    const key = orderKey({ priority: mutation.priority, sequence: sequence + index + 1, id: mutation.id })
    const record: Mutation = { ...mutation, key }
    store.put(record, key)
    return key
  })
}

function putBodies(tx: IDBTransaction, items: PreparedMutation[]): void {
  for (const { mutation, apart } of items) {
    if (apart !== undefined && mutation.body.kind === 'apart') tx.objectStore('blobs').put(apart, mutation.body.blobKey)
  }
}
