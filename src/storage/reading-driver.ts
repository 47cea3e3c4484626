import type { StoreName } from '../protocol/names.ts'
import type { Database } from './database.ts'
import type { LocalForageDriver, StoreExtension } from './driver.ts'

interface Instance {
  _dbInfo?: { storeName: StoreName } | null
  ready(): Promise<void>
}

/**
 * A localforage driver that only reads single items: the generated worker has it in place of the whole one of `driver.ts`,
 * for there the outbox is changed by transactions alone. Every other method rejects.
 */
export function createDriver(database: Database, driverName: string): LocalForageDriver & StoreExtension {
  const driver = {
    ...Object.fromEntries(ABSENT.map(name => [name, absent])),
    _driver: driverName,
    _support: true,
    async _initStorage(this: Instance, options: { storeName: StoreName }) {
      this._dbInfo = { ...options }
    },
    async getItem(this: Instance, key: string) {
      if (!this._dbInfo) await this.ready()
      return this._dbInfo && ((await database.get(this._dbInfo.storeName, key)) ?? null)
    },
  }
  return driver as unknown as LocalForageDriver & StoreExtension
}

const ABSENT = ['setItem', 'removeItem', 'clear', 'length', 'key', 'keys', 'iterate']

async function absent(): Promise<never> {
  throw new Error('The generated worker only reads single items.')
}
