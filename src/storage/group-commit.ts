export interface GroupCommitOptions<T, R> {
  /** Writes the items in one step, all or none, and gives their results in the same order. */
  write: (items: T[]) => Promise<R[]>
  /** Items in one write at most; default: 512. */
  maxItems?: number
  /**
   * Gives what is written later for an item that has to wait for the write in flight, such as a copy that the caller
   * cannot change meanwhile. When it throws, the item's promise rejects.
   */
  hold?: (item: T) => T
}

interface Waiting<T, R> {
  item: T
  resolve: (result: R) => void
  reject: (reason: unknown) => void
}

/**
 * Lets writes share a transaction. Items of the same tick go out together; items that come while a write is in flight
 * wait and share the next one. One write is in flight at most, and the order of the calls is kept. Nothing waits for a
 * timer: the first item of an idle committer goes out in the next microtask.
 *
 * When a write of several items fails, each is written on its own, in order, so that one bad item fails alone. A write
 * may therefore see an item a second time: it must be one that can be repeated, as `put` is and `add` is not.
 *
 * @example
 * const commit = createGroupCommit<string, number>({ write: async items => items.map(item => item.length) })
 * await Promise.all([commit('a'), commit('bcd')]) // [1, 3], by one write
 */
export function createGroupCommit<T, R = void>({
  write,
  maxItems = 512,
  hold = item => item,
}: GroupCommitOptions<T, R>): (item: T) => Promise<R> {
  let waiting: Waiting<T, R>[] = []
  let isScheduled = false
  let isWriting = false

  const drain = async () => {
    isWriting = true
    // Whoever does not fit into the first write has to wait for it, too.
    waiting = waiting.filter((one, index) => index < maxItems || holdFor(one, hold))
    while (waiting.length > 0) {
      const group = waiting.slice(0, maxItems)
      waiting = waiting.slice(maxItems)
      await commit(group, write)
    }
    isWriting = false
    isScheduled = false
  }

  return item =>
    new Promise<R>((resolve, reject) => {
      const one = { item, resolve, reject }
      if (isWriting && !holdFor(one, hold)) return
      waiting.push(one)
      if (isScheduled) return
      isScheduled = true
      queueMicrotask(() => void drain())
    })
}

function holdFor<T, R>(one: Waiting<T, R>, hold: (item: T) => T): boolean {
  try {
    one.item = hold(one.item)
    return true
  } catch (cause) {
    one.reject(cause)
    return false
  }
}

async function commit<T, R>(group: Waiting<T, R>[], write: (items: T[]) => Promise<R[]>): Promise<void> {
  try {
    const results = await write(group.map(({ item }) => item))
    group.forEach(({ resolve }, index) => {
      resolve(results[index] as R)
    })
  } catch (cause) {
    if (group.length > 1) for (const one of group) await commit([one], write)
    else group[0]?.reject(cause)
  }
}
