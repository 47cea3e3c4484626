import 'fake-indexeddb/auto'
import localforage from 'localforage'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Database, openDatabase } from './database.ts'
import { createDriver, type LocalForageInstance } from './driver.ts'
import { localforageContract } from './localforage.contract.ts'
import { type HoldfastStore, openStorage, type Storage } from './open-storage.ts'

let count = 0
const nextName = () => `driver-test-${++count}`

afterEach(() => vi.restoreAllMocks())

describe('the contract of localforage', () => {
  const cases = localforageContract.filter(({ needsBrowser }) => !needsBrowser)

  it.each(cases)("localforage's own driver: $name", async ({ run }) => {
    const name = nextName()
    await run(async (storeName = 'records') => {
      const store = localforage.createInstance({ name, storeName, driver: localforage.INDEXEDDB })
      await store.ready()
      return store
    })
  })

  it.each(cases)('our driver: $name', async ({ run }) => {
    const storage = await openStorage({ name: nextName() })
    await run(async (storeName = 'records') => {
      const { driver, name } = storage[storeName].config() as { driver: string; name: string }
      const store = localforage.createInstance({ name, storeName, driver })
      await store.ready()
      return store
    })
    storage.close()
  })
})

describe('createDriver', () => {
  let database: Database
  let name: string
  let driver: string

  beforeEach(async () => {
    name = nextName()
    driver = `driver of ${name}`
    database = openDatabase({ name })
    await localforage.defineDriver(createDriver(database, driver))
  })
  afterEach(() => database.close())

  it('makes an instance of a store, as in the example', async () => {
    const meta = localforage.createInstance({ name, storeName: 'meta', driver })
    expect(await meta.setItem('paused', true)).toBe(true)
    expect(meta.driver()).toBe(driver)
    expect(await database.get('meta', 'paused')).toBe(true)
  })

  it.each([
    { storeName: 'keyvaluepairs', hint: 'mutations, dead' },
    { name: 'another', storeName: 'meta', hint: 'name "driver-test' },
  ])('refuses what is not a store of its database: $storeName', async ({ hint, ...options }) => {
    const store = localforage.createInstance({ name, driver, ...options })
    const error = await store.setItem('a', 1).catch(cause => cause)
    expect(error).toMatchObject({ name: 'HoldfastError', code: 'invalid-options' })
    expect(error.hint).toContain(hint)
    await expect(store.getItem('a')).rejects.toMatchObject({ code: 'invalid-options' })
  })

  it('does not drop a database that is not its own', async () => {
    const store = localforage.createInstance({ name, storeName: 'meta', driver })
    await expect(store.dropInstance({ name: 'another' })).rejects.toMatchObject({ code: 'invalid-options' })
  })

  it('rejects with a HoldfastError where there is no IndexedDB, and says so itself', async () => {
    const refused = openDatabase({ name, factory: { open: () => refuse() } as unknown as IDBFactory })
    await localforage.defineDriver(createDriver(refused, `${driver} refused`))
    const store = localforage.createInstance({ name, storeName: 'meta', driver: `${driver} refused` })
    for (const work of [store.getItem('a'), store.setItem('a', 1), store.keys(), store.length()]) {
      await expect(work).rejects.toMatchObject({ code: 'storage-unavailable' })
    }
  })

  it('lets calls take effect in their order without being awaited', async () => {
    const store = localforage.createInstance({ name, storeName: 'meta', driver })
    // Walking is loaded at first use, and keeps its place from then on.
    await store.key(0)
    const results = await Promise.all([
      store.setItem('k', 1),
      store.getItem('k'),
      store.setItem('k', 2),
      store.getItem('k'),
      store.length(),
      store.removeItem('k'),
      store.getItem('k'),
      store.setItem('k', 3),
      store.setItem('l', 4),
      store.keys(),
      store.key(1),
      store.clear(),
      store.length(),
      store.setItem('k', 5),
    ])
    expect(results).toEqual([1, 1, 2, 2, 1, undefined, null, 3, 4, ['k', 'l'], 'l', undefined, 0, 5])
    expect(await store.getItem('k')).toBe(5)
  })

  it('stores a value as it was passed, also behind a read that waits for earlier writes', async () => {
    const store = localforage.createInstance({ name, storeName: 'meta', driver })
    await store.ready()
    const value = { n: 1 }
    const work = [store.setItem('a', 0), store.getItem('a'), store.setItem('b', value)]
    await Promise.resolve()
    value.n = 2
    await Promise.all(work)
    expect(await store.getItem('b')).toEqual({ n: 1 })
  })

  it("rejects iterate with the visitor's own error", async () => {
    const store = localforage.createInstance({ name, storeName: 'meta', driver })
    await store.setItem('a', 1)
    const own = new RangeError('mine')
    const iterate = store.iterate(() => {
      throw own
    })
    await expect(iterate).rejects.toBe(own)
  })
})

describe('the methods that localforage lacks', () => {
  let storage: Storage
  let store: HoldfastStore

  beforeEach(async () => {
    storage = await openStorage({ name: nextName() })
    store = storage.records
    await store.length()
  })
  afterEach(() => storage.close())

  const countTransactions = () => vi.spyOn(IDBDatabase.prototype, 'transaction')

  it('writes what is set at once in one transaction', async () => {
    const transactions = countTransactions()
    await Promise.all(Array.from({ length: 300 }, (_, index) => store.setItem(`k${index}`, index)))
    expect(transactions).toHaveBeenCalledTimes(1)
    expect(await store.length()).toBe(300)
  })

  it('shares the transaction over stores, and keeps both when the other has a bad item', async () => {
    const transactions = countTransactions()
    await Promise.all([store.setItem('a', 1), storage.meta.setItem('b', 2)])
    expect(transactions).toHaveBeenCalledTimes(1)
    await Promise.allSettled([store.setItem('c', 3), storage.mutations.setItem('x', { f: () => 1 })])
    expect(await store.keys()).toEqual(['a', 'c'])
  })

  it('sets several items, all or none', async () => {
    await store.setItems([
      ['b', 2],
      ['a', undefined],
    ])
    expect(await store.keys()).toEqual(['a', 'b'])
    const bad = store.setItems(new Map<string, unknown>([['c', 3]]).set('d', () => 4))
    await expect(bad).rejects.toMatchObject({ code: 'storage-failed' })
    expect(await store.keys()).toEqual(['a', 'b'])
  })

  it('lets items that fail together fail alone, and setItems as a whole', async () => {
    const results = await Promise.allSettled([
      store.setItem('good', 1),
      store.setItems([
        ['half', 1],
        ['bad', () => 1],
      ]),
      store.setItem('good too', 2),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await store.keys()).toEqual(['good', 'good too'])
  })

  it('reads ranges and counts them', async () => {
    await store.setItems(['a', 'b', 'c', 'd'].map(key => [key, key.toUpperCase()] as const))
    expect(await store.range()).toEqual(['A', 'B', 'C', 'D'])
    expect(await store.range({ lower: 'b', upper: 'd', upperOpen: true })).toEqual(['B', 'C'])
    expect(await store.range({ direction: 'prev', limit: 1 })).toEqual(['D'])
    expect(await store.count()).toBe(4)
    expect(await store.count({ lower: 'b', lowerOpen: true })).toBe(2)
  })

  it('moves an item between stores in one transaction, after what was asked for before', async () => {
    void store.setItem('a', 1)
    await store.transact(['records', 'meta'], 'readwrite', async tx => {
      await tx.objectStore('meta').put(await tx.objectStore('records').get('a'), 'a')
      await tx.objectStore('records').delete('a')
    })
    expect([await store.getItem('a'), await storage.meta.getItem('a')]).toEqual([null, 1])
  })

  it('leaves nothing behind when the transaction is given up', async () => {
    const moved = store.transact(['records', 'meta'], 'readwrite', async tx => {
      await tx.objectStore('meta').put(1, 'a')
      await tx.objectStore('records').put(1, 'a')
      throw new Error('given up')
    })
    await expect(moved).rejects.toMatchObject({ code: 'storage-failed' })
    expect([await store.length(), await storage.meta.length()]).toEqual([0, 0])
  })

  it('rejects setItem when the space is used up, and keeps nothing of it', async () => {
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError')
    })
    const results = await Promise.allSettled([store.setItem('a', 1), store.setItem('b', 2)])
    for (const result of results)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'quota-exceeded' } })
    put.mockRestore()
    expect(await store.length()).toBe(0)
    await store.setItem('a', 1)
    expect(await store.getItem('a')).toBe(1)
  })
})

describe('openStorage', () => {
  it('gives ready stores, as in the example', async () => {
    const storage = await openStorage({ name: nextName() })
    await storage.meta.setItem('paused', true)
    expect(await storage.meta.getItem('paused')).toBe(true)
    storage.close()
    await expect(storage.meta.getItem('paused')).rejects.toMatchObject({ code: 'closed' })
  })

  it('lets the same database be opened twice, and another beside it, without a word in the console', async () => {
    const info = vi.spyOn(console, 'info')
    const name = nextName()
    const [one, same, other] = await Promise.all([
      openStorage({ name }),
      openStorage({ name }),
      openStorage({ name: nextName() }),
    ])
    await one.meta.setItem('a', 1)
    expect(await same.meta.getItem('a')).toBe(1)
    expect(await other.meta.getItem('a')).toBeNull()
    one.close()
    await same.meta.setItem('b', 2)
    expect(await same.meta.keys()).toEqual(['a', 'b'])
    expect(info).not.toHaveBeenCalled()
    same.close()
    other.close()
  })

  it('opens the database at first use, and not before', async () => {
    const open = vi.spyOn(indexedDB, 'open')
    const storage = await openStorage({ name: nextName() })
    expect(open).not.toHaveBeenCalled()
    await storage.meta.length()
    expect(open).toHaveBeenCalledTimes(1)
    storage.close()
  })
})

describe('plain localforage beside ours', () => {
  const plain = (name: string, storeName: string): LocalForageInstance =>
    localforage.createInstance({ name, storeName, driver: localforage.INDEXEDDB })

  const versionOf = async (name: string) =>
    (await indexedDB.databases()).find(database => database.name === name)?.version

  it('reads the queue without upgrading the database, while we go on writing', async () => {
    const name = nextName()
    const storage = await openStorage({ name })
    await storage.mutations.setItem('0001', { id: 'a' })
    const queue = plain(name, 'mutations')
    expect(await queue.getItem('0001')).toEqual({ id: 'a' })
    await storage.mutations.setItem('0002', { id: 'b' })
    expect(await queue.keys()).toEqual(['0001', '0002'])
    await queue.removeItem('0001')
    expect(await storage.mutations.keys()).toEqual(['0002'])
    expect(await versionOf(name)).toBe(1)
    storage.close()
  })

  it('may have made the database first: its items stay, and ours work', async () => {
    const name = nextName()
    await plain(name, 'mutations').setItem('0001', { id: 'early' })
    const storage = await openStorage({ name })
    expect(await storage.mutations.getItem('0001')).toEqual({ id: 'early' })
    await storage.dead.setItem('x', { id: 'x' })
    expect(await plain(name, 'dead').keys()).toEqual(['x'])
    storage.close()
  })

  it('stores a Blob as text where it does not know better, and we give it back as a Blob', async () => {
    const storage = await openStorage({ name: nextName() })
    await storage.database.write(['blobs'], tx => {
      tx.objectStore('blobs').put({ __local_forage_encoded_blob: true, data: btoa('words'), type: 'text/plain' }, 'k')
    })
    const blob = await storage.blobs.getItem<Blob>('k')
    expect([blob?.type, await blob?.text()]).toEqual(['text/plain', 'words'])
    expect((await storage.blobs.range())[0]).toBeInstanceOf(Blob)
    expect(await storage.blobs.iterate(value => value)).toBeInstanceOf(Blob)
    storage.close()
  })
})

function refuse(): never {
  throw new DOMException('denied', 'SecurityError')
}
