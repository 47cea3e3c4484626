export interface WriteOrderOptions<T, R> {
  commit: (item: T) => Promise<R>
  /** Gives what is written later for an item that has to wait, as in `createGroupCommit`. */
  hold: (item: T) => T
}

export interface WriteOrder<T, R> {
  write(item: T): Promise<R>
  /** Begins `work` after every write that was asked for before it, and before every write that is asked for later. */
  inOrder<A>(work: () => Promise<A>): Promise<A>
}

/**
 * Keeps the order of calls although writes wait to share a transaction: `setItem('a', 1); getItem('a')` reads 1 without
 * an await in between. IndexedDB runs overlapping transactions in the order in which they begin, and with group commit a
 * write begins later than the call: a read or a removal that began at once would overtake it.
 */
export function createWriteOrder<T, R>({ commit, hold }: WriteOrderOptions<T, R>): WriteOrder<T, R> {
  let lastWrite: Promise<unknown> | undefined
  let gate: Promise<unknown> | undefined

  return {
    write(item) {
      const written = gate ? commitBehind(gate, hold, item, commit) : commit(item)
      const settled: Promise<unknown> = written.then(nothing, nothing).then(() => {
        if (lastWrite === settled) lastWrite = undefined
      })
      lastWrite = settled
      return written
    },
    inOrder(work) {
      const before = lastWrite
      if (!before) return work()
      gate = before
      const begun = before.then(work)
      void before.then(() => {
        if (gate === before) gate = undefined
      })
      return begun
    },
  }
}

async function commitBehind<T, R>(
  gate: Promise<unknown>,
  hold: (item: T) => T,
  item: T,
  commit: (item: T) => Promise<R>,
): Promise<R> {
  const held = hold(item)
  await gate
  return commit(held)
}

function nothing(): void {}
