import { createCollection, localOnlyCollectionOptions } from '@tanstack/db'
import {
  IndexedDBAdapter,
  type OfflineExecutor,
  type OnlineDetector,
  startOfflineExecutor,
} from '@tanstack/offline-transactions'
import type { Note } from '../in-browser/note.ts'
import { type Contender, postOf } from './contender.ts'

/**
 * TanStack's executor with its IndexedDB storage: one transaction for each note. What it sends it has in memory by then,
 * as when the network comes back to a page that stayed open.
 */
export function createTanstack(): Contender {
  const online = createSwitch()
  const notes = createCollection(localOnlyCollectionOptions<Note, string>({ getKey: ({ id }) => id }))
  let address = ''
  let commits: Promise<unknown>[] = []
  let executor: OfflineExecutor | undefined

  const start = async () => {
    executor ??= startOfflineExecutor({
      collections: { notes },
      mutationFns: {
        async send({ transaction, idempotencyKey }) {
          for (const { modified } of transaction.mutations)
            await post(address, modified as unknown as Note, idempotencyKey)
        },
      },
      storage: new IndexedDBAdapter('tanstack', 'transactions'),
      onlineDetector: online,
    })
    await executor.waitForInit()
    return executor
  }

  return {
    async fill(all, url) {
      const offline = await start()
      online.set(false)
      address = url
      commits = all.map(note => {
        const tx = offline.createOfflineTransaction({ mutationFnName: 'send', autoCommit: false })
        tx.mutate(() => notes.insert(note))
        return tx.commit()
      })
      while (offline.getPendingCount() < all.length) await new Promise(resolve => setTimeout(resolve, 10))
    },
    async drain() {
      online.set(true)
      await Promise.all(commits)
    },
  }
}

async function post(url: string, note: Note, key: string): Promise<void> {
  const response = await fetch(url, postOf(note, key))
  if (!response.ok) throw new Error(`The server answered ${response.status}.`)
  await response.text()
}

/** Says when there is a network, by hand. */
function createSwitch(): OnlineDetector & { set(online: boolean): void } {
  const listeners = new Set<() => void>()
  let isOnline = false
  const notifyOnline = () => {
    for (const listener of listeners) listener()
  }
  return {
    isOnline: () => isOnline,
    notifyOnline,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    dispose: () => listeners.clear(),
    set(online) {
      isOnline = online
      if (online) notifyOnline()
    },
  }
}
