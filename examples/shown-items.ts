import type { DeadLetter, Holdfast, OutboxEntry, StatusStore } from 'holdfast'

export interface Item {
  id: string
  text: string
  done?: boolean
}

/** An item as a person sees it. */
export interface ShownItem extends Item {
  /** Whether the server does not have it like this yet. */
  waits?: boolean
  /** Why the server refused it; a person tries again or gives up. */
  letter?: DeadLetter
}

/** To be read, and followed, as `hf.status` is. */
export interface ShownItems {
  get(): ShownItem[]
  subscribe(fn: () => void): ReturnType<StatusStore['subscribe']>
  /** Asks the server for its list. The outbox need not be followed: that is done. */
  refresh(): Promise<void>
}

/**
 * The list of the server, or what the worker has kept of it, and on top of that what this device has written since: the
 * outbox is the app's own record of it, also after a reload without a network.
 */
export function createShownItems(hf: Holdfast): ShownItems {
  const listeners = new Set<() => void>()
  let saved: Item[] = []
  let shown: ShownItem[] = []
  let refreshes = 0

  async function refresh(): Promise<void> {
    refreshes += 1
    const mine = refreshes
    // Before the server is asked: what is delivered meanwhile is then in both, and not in neither.
    const [waiting, refused] = await Promise.all([hf.outbox.list(), hf.deadLetters.list()])
    const show = (base: ShownItem[]) => {
      if (mine !== refreshes) return
      shown = layOver(base, waiting, refused)
      for (const listener of listeners) listener()
    }
    show(shown)
    saved = await fetchItems().catch(() => saved)
    show(saved)
  }

  hf.outbox.subscribe(() => void refresh())
  void refresh()
  return {
    get: () => shown,
    subscribe(fn) {
      listeners.add(fn)
      return () => listeners.delete(fn)
    },
    refresh,
  }
}

/** Each write of these apps carries the item as it shall be. */
function layOver(base: ShownItem[], waiting: OutboxEntry[], refused: DeadLetter[]): ShownItem[] {
  const items = new Map(base.map(item => [item.id, item]))
  const put = (item: ShownItem) => items.set(item.id, item)
  for (const letter of refused) put({ ...(letter.json as Item), letter })
  for (const { json } of waiting) put({ ...(json as Item), waits: true })
  return [...items.values()]
}

async function fetchItems(): Promise<Item[]> {
  const response = await fetch('/api/items')
  if (!response.ok) throw new Error(`The server answered ${response.status}.`)
  return response.json()
}
