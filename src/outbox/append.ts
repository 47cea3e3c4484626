import { createGroupCommit } from '../storage/group-commit.ts'
import type { Storage } from '../storage/open-storage.ts'
import { type AppendContext, ofNobody, owned, whyFull } from './append-context.ts'
import { COUNTERS_KEY, type Counters, NO_COUNTERS } from './counters.ts'
import { type LaidOut, layOut, type Situation } from './lay-out.ts'
import type { PreparedMutation } from './mutation-input.ts'

/** What became of an append. */
export interface Appended {
  /** The mutation that carries the write: another one than was given, where that took it in. */
  id: string
  /** The mutations that have ended by it, because two writes that waited cancel each other out. */
  ended: string[]
}

/** Writes a group in one transaction, all or none, and gives their results in the same order. */
export type WriteGroup = (
  storage: Storage,
  items: PreparedMutation[],
  context: AppendContext,
  now: number,
) => Promise<Appended[]>

export interface AppendOptions {
  now?: () => number
  /** Asked at each append. */
  context?: () => AppendContext
  /** Gives what writes a group in which something asks to be coalesced, or depends on another. Default: loads it. */
  loadCoalescing?: () => Promise<WriteGroup>
}

/**
 * Makes the function that appends mutations. It resolves when the transaction that holds the mutation is complete;
 * appends that are made at once share one transaction, in the order of the calls.
 *
 * The place in the order comes from a counter that is read and written in that same transaction, so that neither a
 * device clock that jumps nor another tab can put a later write before an earlier one. Reading first and writing then
 * would cost a second trip to the database at each append: the records are written at once as this context expects them
 * to be right, and put right within the transaction where another context was faster.
 *
 * Rejects with `outbox-full` where more would wait than may, and as the storage does.
 */
export function createAppend(
  storage: Storage,
  { now = Date.now, context = ofNobody, loadCoalescing = loadHere }: AppendOptions = {},
): (item: PreparedMutation) => Promise<Appended> {
  let expected = NO_COUNTERS
  let recent: ReadonlySet<string> = new Set()

  async function write(items: PreparedMutation[]): Promise<Appended[]> {
    const [at, inContext] = [now(), context()]
    if (items.some(({ coalesce, dependsOn }) => coalesce || dependsOn?.length)) {
      return (await loadCoalescing())(storage, items, inContext, at)
    }
    const guessed = layOut(items, { counters: expected, taken: recent }, at)
    await inTransaction(storage, items, (tx, refuse) => {
      readSituation(tx, items, situation => {
        const right = layOut(items, situation, at)
        const reason = whyFull(right.counters, inContext)
        if (reason) return refuse(reason)
        putRight(tx, guessed, right)
        expected = right.counters
      })
      putAll(tx, guessed)
      putBodies(tx, items)
    })
    recent = new Set(entitiesOf(items))
    return items.map(({ mutation: { id } }) => ({ id, ended: [] }))
  }

  const commit = createGroupCommit({ write })
  // At the call: somebody else may sign in before it is written.
  return item => commit(owned(item, context()))
}

const loadHere = async (): Promise<WriteGroup> => (await import('./append-coalescing.ts')).writeCoalescing

/** Rejects with what `work` refuses with, and then nothing of it is kept. */
async function inTransaction(
  storage: Storage,
  items: PreparedMutation[],
  work: (tx: IDBTransaction, refuse: (reason: Error) => void) => void,
): Promise<void> {
  let refusal: Error | undefined
  const refuseIn = (tx: IDBTransaction) => (reason: Error) => {
    refusal = reason
    tx.abort()
  }
  try {
    await storage.write(storesFor(items), tx => work(tx, refuseIn(tx)))
  } catch (error) {
    throw refusal ?? error
  }
}

function storesFor(items: PreparedMutation[]): ('mutations' | 'meta' | 'blobs')[] {
  return ['mutations', 'meta', ...(items.some(item => item.apart !== undefined) ? (['blobs'] as const) : [])]
}

function entitiesOf(items: PreparedMutation[]): string[] {
  return [...new Set(items.flatMap(({ mutation }) => (mutation.entity === undefined ? [] : [mutation.entity])))]
}

/** Asks everything at once; requests of a transaction are answered in their order, so the last answer ends it. */
function readSituation(tx: IDBTransaction, items: PreparedMutation[], done: (situation: Situation) => void): void {
  const [meta, mutations] = [tx.objectStore('meta'), tx.objectStore('mutations')]
  const taken = new Set<string>()
  for (const entity of entitiesOf(items)) {
    answered(mutations.index('entity').getKey(IDBKeyRange.bound([entity], [entity, []])), key => {
      if (key !== undefined) taken.add(entity)
    })
  }
  answered<Counters | undefined>(meta.get(COUNTERS_KEY), (counters = NO_COUNTERS) => done({ counters, taken }))
}

function answered<T>(request: IDBRequest<T>, use: (result: T) => unknown): void {
  request.onsuccess = () => use(request.result)
}

function putAll(tx: IDBTransaction, { records, counters }: LaidOut): void {
  const store = tx.objectStore('mutations')
  for (const record of records) store.put(record, record.key)
  tx.objectStore('meta').put(counters, COUNTERS_KEY)
}

/** Often it is the counters alone: a drain takes out what was counted. */
function putRight(tx: IDBTransaction, guessed: LaidOut, { records, counters }: LaidOut): void {
  const wrong = records.flatMap((record, index) => {
    const guess = guessed.records[index]
    return guess && record.key !== guess.key ? [{ record, guess }] : []
  })
  const isMiscounted = JSON.stringify(guessed.counters) !== JSON.stringify(counters)
  if (wrong.length === 0 && !isMiscounted) return
  for (const { guess } of wrong) tx.objectStore('mutations').delete(guess.key)
  putAll(tx, { records: wrong.map(({ record }) => record), counters })
}

function putBodies(tx: IDBTransaction, items: PreparedMutation[]): void {
  for (const { mutation, apart } of items) {
    if (apart !== undefined && mutation.body.kind === 'apart') tx.objectStore('blobs').put(apart, mutation.body.blobKey)
  }
}
