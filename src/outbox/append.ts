import type { Mutation } from '../protocol/mutation.ts'
import { createGroupCommit } from '../storage/group-commit.ts'
import type { Storage } from '../storage/open-storage.ts'
import { APPENDED_KEY } from './counters.ts'
import { layOut, type Situation } from './lay-out.ts'
import type { PreparedMutation } from './mutation-input.ts'
import { cancelledKey } from './settled.ts'

/**
 * Makes the function that appends mutations. It resolves when the transaction that holds the mutation is complete;
 * appends that are made at once share one transaction, in the order of the calls.
 *
 * The place in the order comes from a counter that is read and written in that same transaction, so that neither a
 * device clock that jumps nor another tab can put a later write before an earlier one. Reading first and writing then
 * would cost a second trip to the database at each append: the records are written at once as this context expects them
 * to be right, and put right within the transaction where another context was faster.
 */
export function createAppend(
  storage: Storage,
  now: () => number = Date.now,
): (item: PreparedMutation) => Promise<void> {
  let expected = 0
  let recent: ReadonlySet<string> = new Set()

  async function write(items: PreparedMutation[]): Promise<undefined[]> {
    const at = now()
    await storage.write(storesFor(items), tx => {
      const guessed = layOut(items, { appended: expected, taken: recent, parents: NO_PARENTS }, at)
      readSituation(tx, items, situation => {
        const right = layOut(items, situation, at)
        putRight(tx, guessed, right)
        expected = situation.appended + items.length
      })
      putAll(tx, guessed)
      tx.objectStore('meta').put(expected + items.length, APPENDED_KEY)
      putBodies(tx, items)
    })
    recent = new Set(entitiesOf(items))
    return items.map(() => undefined)
  }

  return createGroupCommit({ write })
}

const NO_PARENTS: Situation['parents'] = new Map()

function storesFor(items: PreparedMutation[]): ('mutations' | 'meta' | 'blobs' | 'dead')[] {
  return [
    'mutations',
    'meta',
    ...(items.some(item => item.apart !== undefined) ? (['blobs'] as const) : []),
    ...(items.some(item => item.dependsOn?.length) ? (['dead'] as const) : []),
  ]
}

function entitiesOf(items: PreparedMutation[]): string[] {
  return [...new Set(items.flatMap(({ mutation }) => (mutation.entity === undefined ? [] : [mutation.entity])))]
}

/** Asks everything at once; requests of a transaction are answered in their order, so the last answer ends it. */
function readSituation(tx: IDBTransaction, items: PreparedMutation[], done: (situation: Situation) => void): void {
  const [meta, mutations] = [tx.objectStore('meta'), tx.objectStore('mutations')]
  const taken = new Set<string>()
  const parents = new Map<string, 'waiting' | 'dead' | 'cancelled'>()
  for (const entity of entitiesOf(items)) {
    answered(mutations.index('entity').getKey(IDBKeyRange.bound([entity], [entity, []])), key => {
      if (key !== undefined) taken.add(entity)
    })
  }
  for (const id of new Set(items.flatMap(({ dependsOn = [] }) => dependsOn))) {
    answered(mutations.index('id').getKey(id), key => key !== undefined && parents.set(id, 'waiting'))
    answered(tx.objectStore('dead').getKey(id), key => key !== undefined && parents.set(id, 'dead'))
    answered(meta.getKey(cancelledKey(id)), key => key !== undefined && parents.set(id, 'cancelled'))
  }
  answered<number | undefined>(meta.get(APPENDED_KEY), (appended = 0) => done({ appended, taken, parents }))
}

function answered<T>(request: IDBRequest<T>, use: (result: T) => unknown): void {
  request.onsuccess = () => use(request.result)
}

function putAll(tx: IDBTransaction, records: Mutation[]): void {
  const store = tx.objectStore('mutations')
  for (const record of records) store.put(record, record.key)
}

function putRight(tx: IDBTransaction, guessed: Mutation[], right: Mutation[]): void {
  const wrong = right.flatMap((record, index) => {
    const guess = guessed[index]
    return guess && isOther(record, guess) ? [{ record, guess }] : []
  })
  if (wrong.length === 0) return
  for (const { guess } of wrong) tx.objectStore('mutations').delete(guess.key)
  putAll(
    tx,
    wrong.map(({ record }) => record),
  )
  tx.objectStore('meta').put(right.at(-1)?.sequence, APPENDED_KEY)
}

function isOther(right: Mutation, guessed: Mutation): boolean {
  return right.key !== guessed.key || right.waitsFor !== undefined
}

function putBodies(tx: IDBTransaction, items: PreparedMutation[]): void {
  for (const { mutation, apart } of items) {
    if (apart !== undefined && mutation.body.kind === 'apart') tx.objectStore('blobs').put(apart, mutation.body.blobKey)
  }
}
