import type { BrowserContext, Page } from '@playwright/test'
import type { Mutation } from '../protocol/mutation.ts'
import { namesOf, type StoreName } from '../protocol/names.ts'

/** A waiting write, as far as a test wants to know it. */
export interface StoredWrite {
  id: string
  url: string
  method: string
  attempts: number
}

export interface OutboxFixture {
  /** How many writes wait for the server. */
  count(): Promise<number>
  /** How many are dead letters. */
  deadCount(): Promise<number>
  /** The writes that wait, in replay order. */
  list(): Promise<StoredWrite[]>
}

/** Reads the stores through any open page of the app, with the browser's own IndexedDB. */
export function createOutboxReader(context: BrowserContext, name: string): OutboxFixture {
  const { database } = namesOf(name)
  const read = (store: StoreName, what: Reading) =>
    inAnyPage(context, page => page.evaluate(readStore, { database, store, what }))
  return {
    count: async () => (await read('mutations', 'count')) as number,
    deadCount: async () => (await read('dead', 'count')) as number,
    async list() {
      const mutations = (await read('mutations', 'getAll')) as Mutation[]
      return mutations.map(({ id, url, method, attempts }) => ({ id, url, method, attempts }))
    },
  }
}

type Reading = 'count' | 'getAll'

async function inAnyPage<T>(context: BrowserContext, read: (page: Page) => Promise<T>): Promise<T> {
  for (const page of context.pages().filter(open => /^https?:/.test(open.url()))) {
    const found = await read(page).catch(unlessGone)
    if (found !== GONE) return found
  }
  throw new Error('Failed to read the outbox: no page of the app is open. Open one first: await page.goto("/").')
}

const GONE = Symbol('the page has crashed, or was closed meanwhile')

function unlessGone(error: Error): typeof GONE {
  if (/crashed|closed/.test(error.message)) return GONE
  throw error
}

/** Runs in the page. A database that is not there yet has nothing in it, and must not be made by looking. */
function readStore({ database, store, what }: { database: string; store: string; what: Reading }): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(database)
    opening.onupgradeneeded = () => opening.transaction?.abort()
    opening.onerror = () => {
      if (opening.error?.name === 'AbortError') resolve(what === 'count' ? 0 : [])
      else reject(opening.error)
    }
    opening.onsuccess = () => {
      const db = opening.result
      if (!db.objectStoreNames.contains(store)) {
        db.close()
        resolve(what === 'count' ? 0 : [])
        return
      }
      const request: IDBRequest = db.transaction(store).objectStore(store)[what]()
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
      db.close()
    }
  })
}
