import type localforage from 'localforage'
import { HoldfastError } from '../protocol/errors.ts'
import { STORES, type StoreName } from '../protocol/names.ts'
import { applyChange, type Change, holdChange, storesOf } from './change.ts'
import { answerOf, type Database } from './database.ts'
import { decodeBlob } from './encoded-blob.ts'
import { createGroupCommit } from './group-commit.ts'
import type { KeyBounds } from './key-range.ts'
import type { RangeOptions } from './range.ts'
import type { Visit, Walks } from './walk.ts'
import { createWriteOrder } from './write-order.ts'

export type LocalForageInstance = typeof localforage
export type LocalForageDriver = Parameters<LocalForageInstance['defineDriver']>[0]

/** What our stores have beyond localforage's own methods. */
export interface StoreExtension {
  /** Sets several items in one transaction: all of them, or none. */
  setItems(entries: Iterable<readonly [key: string, value: unknown]>): Promise<void>
  /** Values in the order of their keys. */
  range<T>(options?: RangeOptions): Promise<T[]>
  /** Counts without reading a value. */
  count(bounds?: KeyBounds): Promise<number>
  /** One transaction over several stores of the database. */
  transact: Database['transact']
}

/** What localforage makes `this` of a driver's methods: the instance that it has copied them to. */
interface Instance {
  _dbInfo?: Target | null
  ready(): Promise<void>
}

export interface Target {
  name?: string
  storeName?: string
}

type Callback = (error: unknown, result?: unknown) => void

/**
 * Makes a localforage driver of a database, for `localforage.defineDriver()`. It has the whole interface, with the
 * semantics of localforage's own IndexedDB driver, in promise and callback form, and the methods of `StoreExtension`.
 * Writes of the same tick, and those that come while one is under way, share a transaction; the order of calls is kept.
 *
 * What differs: errors are `HoldfastError`s. A read or a removal never overtakes a `setItem` that was called before it,
 * which localforage's own driver lets happen. An instance must have the name of this database and one of `STORES`, else
 * its methods reject with `invalid-options`. The stores are fixed, so that `dropInstance()` empties a store and does not
 * remove it; with a name alone it deletes the database. A driver serves one database and is defined under a name of its
 * own, because localforage has one registry of drivers for all.
 *
 * @example
 * const database = openDatabase({ name: 'holdfast' })
 * await localforage.defineDriver(createDriver(database, 'holdfast-1'))
 * const meta = localforage.createInstance({ name: 'holdfast', storeName: 'meta', driver: 'holdfast-1' })
 * await meta.setItem('paused', true)
 */
export function createDriver(database: Database, driverName: string): LocalForageDriver & StoreExtension {
  const { write, inOrder } = createWriteOrder({ commit: createCommit(database), hold: holdChange })

  const on = <T>(instance: Instance, callback: Callback | undefined, work: (store: StoreName) => T | Promise<T>) =>
    withCallback(withStore(instance, database.name, work), callback)

  // Loaded at first use, since a page that records writes walks over nothing; a later use begins in its own tick.
  let walks: Walks | undefined
  const withWalks = async <T>(work: (loaded: Walks) => Promise<T>) => {
    walks ??= (await import('./on-demand.ts')).walks
    return work(walks)
  }

  const driver = {
    _driver: driverName,
    // True also where there is no IndexedDB: localforage would say "no storage method found", our methods say why.
    _support: true,
    async _initStorage(this: Instance, options: Target) {
      this._dbInfo = { ...options }
    },

    getItem(this: Instance, key: unknown, callback?: Callback) {
      const name = toKey(key)
      return on(this, callback, store => inOrder(() => database.get(store, name)).then(toItem))
    },
    setItem(this: Instance, key: unknown, value: unknown, callback?: Callback) {
      const entries = [[toKey(key), value ?? undefined] as const]
      return on(this, callback, store => write({ kind: 'put', store, entries }).then(() => value ?? null))
    },
    removeItem(this: Instance, key: unknown, callback?: Callback) {
      const name = toKey(key)
      return on(this, callback, store => write({ kind: 'delete', store, key: name }))
    },
    clear(this: Instance, callback?: Callback) {
      return on(this, callback, store => write({ kind: 'clear', store }))
    },
    length(this: Instance, callback?: Callback) {
      return on(this, callback, store => inOrder(() => database.count(store)))
    },
    key(this: Instance, index: number, callback?: Callback) {
      return on(this, callback, store => inOrder(() => withWalks(({ keyAt }) => keyAt(database, store, index))))
    },
    keys(this: Instance, callback?: Callback) {
      return on(this, callback, store => inOrder(() => database.read(store, from => answerOf(from.getAllKeys()))))
    },
    iterate(this: Instance, visit: Visit, callback?: Callback) {
      return on(this, callback, store =>
        inOrder(() => withWalks(({ visitEach }) => visitEach(database, store, visit, decodeBlob))),
      )
    },
    dropInstance(this: Instance, ...args: unknown[]) {
      return on(this, args.find(isCallback), async current => {
        const target = targetOf(args[0], { name: database.name, storeName: current })
        if (target.name !== database.name) throw await refusal(target, database.name)
        if (target.storeName === undefined) await inOrder(() => database.drop())
        else if (isStoreName(target.storeName)) await write({ kind: 'clear', store: target.storeName })
      })
    },

    setItems(this: Instance, entries: Iterable<readonly [string, unknown]>) {
      const stored = Array.from(entries, ([key, value]) => [toKey(key), value ?? undefined] as const)
      return on(this, undefined, store => write({ kind: 'put', store, entries: stored }))
    },
    range(this: Instance, options?: RangeOptions) {
      return on(this, undefined, store =>
        inOrder(() => database.range(store, options)).then(items => items.map(toItem)),
      )
    },
    count(this: Instance, bounds?: KeyBounds) {
      return on(this, undefined, store => inOrder(() => database.count(store, bounds)))
    },
    transact: ((stores, mode, work, options) =>
      inOrder(() => database.transact(stores, mode, work, options))) satisfies Database['transact'],
  }
  // localforage types the methods by what the caller expects of a value (`getItem<T>`), which no code can check.
  return driver as unknown as LocalForageDriver & StoreExtension
}

function createCommit(database: Database): (change: Change) => Promise<void> {
  return createGroupCommit<Change>({
    hold: holdChange,
    write: async changes => {
      await database.write(storesOf(changes), tx => {
        for (const change of changes) applyChange(tx, change)
        // There is nothing to wait for but the requests: without this the platform looks for more after the last one.
        tx.commit?.()
      })
      return changes.map(() => undefined)
    },
  })
}

async function withStore<T>(
  instance: Instance,
  database: string,
  work: (store: StoreName) => T | Promise<T>,
): Promise<T> {
  // Once it is ready, a call must reach the database in the tick in which it was made, to keep its place.
  if (!instance._dbInfo) await instance.ready()
  const { name, storeName } = instance._dbInfo ?? {}
  if (name !== database || !isStoreName(storeName)) throw await refusal({ name, storeName }, database)
  return work(storeName)
}

function withCallback<T>(promise: Promise<T>, callback: Callback | undefined): Promise<T> {
  if (callback) {
    void promise.then(
      result => callback(null, result),
      error => callback(error),
    )
  }
  return promise
}

function toKey(key: unknown): string {
  if (typeof key === 'string') return key
  console.warn(`holdfast: ${String(key)} is used as a key, but it is not a string.`)
  return String(key)
}

function toItem(stored: unknown): unknown {
  return stored === undefined ? null : decodeBlob(stored)
}

/** What `dropInstance` means: without a name the instance's own store, with a name alone the whole database. */
function targetOf(options: unknown, current: Target): Target {
  const asked: Target = typeof options === 'object' && options !== null ? options : {}
  return asked.name ? asked : { name: current.name, storeName: asked.storeName || current.storeName }
}

function isCallback(value: unknown): value is Callback {
  return typeof value === 'function'
}

function isStoreName(name: unknown): name is StoreName {
  return (STORES as readonly unknown[]).includes(name)
}

async function refusal(target: Target, database: string): Promise<HoldfastError> {
  return new HoldfastError((await import('./on-demand.ts')).walks.refusal(target, database, STORES))
}
