import localforage from 'localforage'
import { STORES, type StoreName } from '../protocol/names.ts'
import { type Database, type DatabaseOptions, openDatabase } from './database.ts'
import { createDriver, type LocalForageInstance, type StoreExtension } from './driver.ts'

/** A localforage instance of one store, with the methods that localforage lacks. */
export type HoldfastStore = LocalForageInstance & StoreExtension

/** Every store of one database, and what goes over several of them. */
export interface Storage extends Record<StoreName, HoldfastStore>, Pick<Database, 'transact' | 'write' | 'close'> {
  database: Database
}

export interface StorageOptions extends DatabaseOptions {
  /** The name in localforage's registry of drivers, which is one for all of the page; default: one never used before. */
  driverName?: string
}

/**
 * Gives the stores of a database as localforage instances that are ready. The database itself is opened at first use:
 * where the browser refuses it, that use rejects with `storage-unavailable`, and not this function.
 *
 * The same database may be opened any number of times, and others beside it. A person can read the stores with plain
 * localforage as well: `localforage.createInstance({ name: 'holdfast', storeName: 'mutations' })`.
 *
 * @example
 * const storage = await openStorage({ name: 'holdfast' })
 * await storage.meta.setItem('paused', true)
 * await storage.meta.getItem('paused') // true
 * storage.close()
 */
export async function openStorage({
  driverName = `holdfast-${Math.random().toString(36).slice(2)}`,
  ...options
}: StorageOptions): Promise<Storage> {
  const database = openDatabase(options)
  await localforage.defineDriver(createDriver(database, driverName))
  const stores = await Promise.all(STORES.map(storeName => openStore(database.name, storeName, driverName)))
  return {
    ...(Object.fromEntries(STORES.map((name, index) => [name, stores[index]])) as Record<StoreName, HoldfastStore>),
    database,
    transact: database.transact,
    write: database.write,
    close: database.close,
  }
}

async function openStore(name: string, storeName: StoreName, driver: string): Promise<HoldfastStore> {
  const store = localforage.createInstance({ name, storeName, driver })
  await store.ready()
  return store as HoldfastStore
}
