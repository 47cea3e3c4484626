import 'fake-indexeddb/auto'
import { forceCloseDatabase } from 'fake-indexeddb'
import fc from 'fast-check'
import { unwrap } from 'idb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HoldfastError } from '../protocol/errors.ts'
import { STORES, type StoreName } from '../protocol/names.ts'
import { type Database, openDatabase } from './database.ts'
import type { RangeOptions } from './range.ts'

let database: Database
let factory: IDBFactory
let opened: IDBDatabase[]
let name: string
let count = 0

/** The global factory, so that what is opened can be looked at and taken away. */
function watchedFactory(): IDBFactory {
  const open = (...args: [string, number?]) => {
    const request = indexedDB.open(...args)
    request.addEventListener('success', () => opened.push(request.result))
    return request
  }
  return { open, deleteDatabase: name => indexedDB.deleteDatabase(name) } as IDBFactory
}

beforeEach(() => {
  opened = []
  count += 1
  name = `database-test-${count}`
  factory = watchedFactory()
  database = openDatabase({ name, factory })
})

afterEach(() => {
  database.close()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

const put = (store: StoreName, key: string, value: unknown) =>
  database.write([store], tx => void tx.objectStore(store).put(value, key))

const fill = (count: number) =>
  database.write(['records'], tx => {
    for (let index = 0; index < count; index++) tx.objectStore('records').put(index, keyFor(index))
  })

const keyFor = (index: number) => String(index).padStart(5, '0')

const failure = async (promise: Promise<unknown>): Promise<HoldfastError> => {
  const error = await promise.then(
    () => new Error('it was to fail'),
    error => error,
  )
  if (!(error instanceof HoldfastError)) throw error
  return error
}

describe('the layout', () => {
  it('has the fixed stores at version 1, and indexes where mutations wait', async () => {
    await database.count('mutations')
    const [connection] = opened
    expect(connection?.version).toBe(1)
    expect([...(connection?.objectStoreNames ?? [])].sort()).toEqual([...STORES].sort())
    const tx = connection?.transaction(STORES)
    for (const store of STORES) {
      const indexes = [...(tx?.objectStore(store).indexNames ?? [])]
      expect(indexes, store).toEqual(store === 'mutations' ? ['entity', 'id', 'waitsFor'] : [])
    }
  })

  it('is added to a database that something else has made first, and its data stays', async () => {
    await new Promise<void>(resolve => {
      const request = indexedDB.open(name, 4)
      request.onupgradeneeded = () => {
        request.result.createObjectStore('mutations').put({ id: 'old' }, 'k')
        request.result.createObjectStore('theirs').put('kept', 'k')
      }
      request.onsuccess = () => {
        request.result.close()
        resolve()
      }
    })
    const found = await database.transact(['mutations'], 'readonly', tx => tx.store.index('id').get('old'))
    expect(found).toEqual({ id: 'old' })
    expect(opened.at(-1)?.version).toBe(5)
    expect(opened.at(-1)?.objectStoreNames).toContain('theirs')

    const again = openDatabase({ name, factory })
    expect(await again.count('mutations')).toBe(1)
    expect(opened.at(-1)?.version).toBe(5)
    again.close()
  })

  it('is opened once more where the browser ends an opening that has just begun, and not for ever', async () => {
    let aborted = 0
    const abortingFirst = (times: number): IDBFactory => {
      const open = (...args: [string, number?]) => {
        if (aborted >= times) return indexedDB.open(...args)
        aborted += 1
        const request = { error: new DOMException('The connection was closed.', 'AbortError') } as IDBOpenDBRequest
        queueMicrotask(() => request.onerror?.(new Event('error')))
        return request
      }
      return { open } as IDBFactory
    }
    const once = openDatabase({ name: `${name}-once`, factory: abortingFirst(1) })
    expect(await once.count('meta')).toBe(0)
    once.close()
    aborted = 0
    const always = openDatabase({ name: `${name}-always`, factory: abortingFirst(99) })
    await expect(always.count('meta')).rejects.toMatchObject({ code: 'storage-unavailable' })
    expect(aborted).toBe(2)
  })

  it('is opened once for all that ask at the same time, at the first of them', async () => {
    expect(opened).toHaveLength(0)
    await Promise.all([1, 2, 3, 4, 5].map(() => database.count('meta')))
    expect(opened).toHaveLength(1)
  })
})

describe('transact', () => {
  it('moves a record between stores, as in the example', async () => {
    await put('mutations', '0001', { id: 'a' })
    await database.transact(['mutations', 'dead'], 'readwrite', async tx => {
      const mutation = await tx.objectStore('mutations').get('0001')
      await tx.objectStore('dead').put({ ...mutation, reason: 'status' }, '0001')
      await tx.objectStore('mutations').delete('0001')
    })
    expect(await database.get('mutations', '0001')).toBeUndefined()
    expect(await database.get('dead', '0001')).toEqual({ id: 'a', reason: 'status' })
  })

  it('leaves nothing behind in any store when its work throws', async () => {
    await put('meta', 'kept', 1)
    const error = await failure(
      database.transact(['mutations', 'meta'], 'readwrite', async tx => {
        await tx.objectStore('mutations').put({ id: 'a' }, '0001')
        await tx.objectStore('meta').delete('kept')
        throw new Error('half way')
      }),
    )
    expect(error.code).toBe('storage-failed')
    expect(error.cause).toEqual(new Error('half way'))
    expect(error.message).toMatch(/^Failed to write to the database ".+": .+half way.+\. .+\.$/)
    expect(await database.count('mutations')).toBe(0)
    expect(await database.get('meta', 'kept')).toBe(1)
  })

  it('gives back a HoldfastError of its work as it is', async () => {
    const own = new HoldfastError({ code: 'not-found', action: 'x', reason: 'y', hint: 'Z.' })
    const work = () => Promise.reject(own)
    expect(await failure(database.transact(['meta'], 'readonly', work))).toBe(own)
  })

  it('resolves with the result when the transaction is complete, and not before', async () => {
    let isComplete = false
    const result = await database.transact(['meta'], 'readwrite', async tx => {
      unwrap(tx).addEventListener('complete', () => {
        isComplete = true
      })
      await tx.objectStore('meta').put(1, 'a')
      return 'done'
    })
    expect([result, isComplete]).toEqual(['done', true])
  })

  it('rejects when a request fails that its work does not await, and keeps nothing', async () => {
    await put('mutations', '0001', { id: 'same' })
    const error = await failure(
      database.transact(['mutations', 'meta'], 'readwrite', tx => {
        void tx.objectStore('meta').put(1, 'a')
        tx.objectStore('mutations')
          .put({ id: 'same' }, '0002')
          .catch(() => undefined)
      }),
    )
    expect(error.cause).toMatchObject({ name: 'ConstraintError' })
    expect(await database.count('meta')).toBe(0)
  })

  it('says what was wrong when its work has awaited something else', async () => {
    const work = async (tx: { objectStore(name: 'meta'): { get(key: string): Promise<unknown> } }) => {
      await new Promise(resolve => setTimeout(resolve, 20))
      return tx.objectStore('meta').get('a')
    }
    const error = await failure(database.transact(['meta'], 'readonly', work))
    expect(error.code).toBe('storage-failed')
    expect(error.cause).toMatchObject({ name: expect.stringMatching(/Inactive|InvalidState/) })
  })
})

describe('write', () => {
  it('may go on in the callbacks of its requests', async () => {
    await put('meta', 'sequence', 7)
    await database.write(['meta', 'mutations'], tx => {
      const request = tx.objectStore('meta').get('sequence')
      request.onsuccess = () => tx.objectStore('mutations').put({ sequence: request.result }, 'k')
    })
    expect(await database.get('mutations', 'k')).toEqual({ sequence: 7 })
  })

  it('keeps nothing when its work throws', async () => {
    const error = await failure(
      database.write(['meta'], tx => {
        tx.objectStore('meta').put(1, 'a')
        throw new TypeError('oops')
      }),
    )
    expect(error.cause).toBeInstanceOf(TypeError)
    expect(await database.count('meta')).toBe(0)
  })

  it('says that a value cannot be stored', async () => {
    const error = await failure(put('meta', 'a', () => 'a function'))
    expect(error.code).toBe('storage-failed')
    expect(error.hint).toContain('no functions')
  })

  it('flushes by default, and hands over only where that is asked for', async () => {
    await database.count('meta')
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await put('meta', 'a', 1)
    await database.write(['meta'], tx => void tx.objectStore('meta').put(1, 'b'), { durability: 'relaxed' })
    await database.transact(['meta'], 'readwrite', () => undefined)
    const relaxed = openDatabase({ name, factory, durability: 'relaxed' })
    await relaxed.transact(['meta'], 'readwrite', () => undefined)
    relaxed.close()
    expect(transaction.mock.calls.map(([, , options]) => options?.durability)).toEqual([
      'strict',
      'relaxed',
      'strict',
      'relaxed',
    ])
  })
})

describe('range', () => {
  const all = Array.from({ length: 2_500 }, (_, index) => index)

  it('gives all values in the order of their keys, over several pages', async () => {
    await fill(2_500)
    expect(await database.range('records')).toEqual(all)
    expect(await database.range('records', { direction: 'prev' })).toEqual(all.toReversed())
    expect(await database.range('records', { limit: 1_700 })).toEqual(all.slice(0, 1_700))
    expect(await database.range('records', { limit: 1_700, direction: 'prev' })).toEqual(
      all.toReversed().slice(0, 1_700),
    )
  })

  it.each([999, 1_000, 1_001, 2_000])('gives %i values where so many are', async size => {
    await fill(size)
    expect(await database.range('records')).toEqual(all.slice(0, size))
  })

  it('ends where a page ends with the upper bound', async () => {
    await fill(2_500)
    expect(await database.range('records', { upper: keyFor(999) })).toEqual(all.slice(0, 1_000))
    expect(await database.range('records', { upper: keyFor(2_000), upperOpen: true })).toEqual(all.slice(0, 2_000))
  })

  it('keeps to bounds, limit and direction as an array would', async () => {
    const size = 12
    await fill(size)
    const bound = fc.option(fc.integer({ min: -1, max: size + 1 }), { nil: undefined })
    const options = fc.record({
      lower: bound,
      upper: bound,
      lowerOpen: fc.boolean(),
      upperOpen: fc.boolean(),
      limit: fc.option(fc.nat(size + 2), { nil: undefined }),
      direction: fc.constantFrom('next', 'prev') as fc.Arbitrary<'next' | 'prev'>,
    })
    await fc.assert(
      fc.asyncProperty(options, async ({ lower, upper, ...rest }) => {
        const wanted: RangeOptions = { ...rest, lower: bounded(lower), upper: bounded(upper) }
        const within = all.slice(0, size).filter(index => isWithin(keyFor(index), wanted))
        const ordered = rest.direction === 'prev' ? within.toReversed() : within
        expect(await database.range('records', wanted)).toEqual(ordered.slice(0, rest.limit))
        expect(await database.count('records', wanted)).toBe(within.length)
      }),
      { numRuns: 200 },
    )
  })

  it('counts without reading a value', async () => {
    await fill(3)
    const reads = (['get', 'getAll', 'openCursor'] as const).map(name => vi.spyOn(IDBObjectStore.prototype, name))
    expect(await database.count('records')).toBe(3)
    expect(await database.count('records', { lower: keyFor(1), lowerOpen: true })).toBe(1)
    for (const read of reads) expect(read).not.toHaveBeenCalled()
  })
})

describe('errors', () => {
  it('maps a quota error of a request, and keeps nothing', async () => {
    const realPut = IDBObjectStore.prototype.put
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
      if (args[1] === 'big') throw new DOMException('full', 'QuotaExceededError')
      return realPut.apply(this, args)
    })
    const error = await failure(
      database.write(['meta'], tx => {
        tx.objectStore('meta').put(1, 'small')
        tx.objectStore('meta').put(1, 'big')
      }),
    )
    expect(error).toMatchObject({ code: 'quota-exceeded', cause: { name: 'QuotaExceededError' } })
    expect(await database.count('meta')).toBe(0)
  })

  it.each(['write', 'transact'] as const)('maps a quota error that comes only with the commit (%s)', async how => {
    // What a browser does when the disk is full at commit: every request succeeded, then the transaction aborts.
    const fillDisk = (tx: IDBTransaction) => {
      const request = tx.objectStore('meta').put(1, 'a')
      request.addEventListener('success', () => (tx as unknown as Aborting)._abort('QuotaExceededError'))
    }
    const work =
      how === 'write'
        ? database.write(['meta'], fillDisk)
        : database.transact(['meta'], 'readwrite', tx => fillDisk(unwrap(tx) as IDBTransaction))
    expect(await failure(work)).toMatchObject({ code: 'quota-exceeded', cause: { name: 'QuotaExceededError' } })
    expect(await database.count('meta')).toBe(0)
  })

  it('tells the reason of the transaction where a pending request knows only that it was aborted', async () => {
    const error = await failure(
      database.transact(['meta'], 'readwrite', async tx => {
        const pending = tx.objectStore('meta').put(1, 'a')
        ;(unwrap(tx) as unknown as Aborting)._abort('QuotaExceededError')
        await pending
      }),
    )
    expect(error.code).toBe('quota-exceeded')
  })

  it('says that there is no IndexedDB', async () => {
    vi.stubGlobal('indexedDB', undefined)
    const nowhere = openDatabase({ name })
    for (const work of [nowhere.count('meta'), nowhere.range('meta'), nowhere.write(['meta'], () => undefined)]) {
      expect(await failure(work)).toMatchObject({ code: 'storage-unavailable' })
    }
    vi.unstubAllGlobals()
    expect(await nowhere.count('meta')).toBe(0)
    nowhere.close()
  })

  it('says that opening was refused, and tries again at the next use', async () => {
    let isRefusing = true
    const open = (...args: [string, number?]) => {
      if (isRefusing) throw new DOMException('denied', 'SecurityError')
      return indexedDB.open(...args)
    }
    const refused = openDatabase({ name, factory: { open } as IDBFactory })
    expect(await failure(refused.range('meta'))).toMatchObject({
      code: 'storage-unavailable',
      cause: { name: 'SecurityError' },
    })
    isRefusing = false
    expect(await refused.range('meta')).toEqual([])
    refused.close()
  })

  it('never reads a failing request as empty', async () => {
    await put('meta', 'a', 1)
    for (const method of ['get', 'getAll', 'count'] as const) {
      vi.spyOn(IDBObjectStore.prototype, method).mockImplementation(() => {
        throw new DOMException('broken', 'UnknownError')
      })
    }
    for (const read of [database.get('meta', 'a'), database.range('meta'), database.count('meta')]) {
      expect(await failure(read)).toMatchObject({ code: 'storage-failed', cause: { name: 'UnknownError' } })
    }
  })
})

describe('the connection', () => {
  it('is opened again when the browser has taken it away', async () => {
    await put('meta', 'a', 1)
    forceCloseDatabase(opened[0] as never)
    expect(await database.get('meta', 'a')).toBe(1)
    expect(opened).toHaveLength(2)
  })

  it('is opened again when it is closing and nobody has said so', async () => {
    await put('meta', 'a', 1)
    opened[0]?.close()
    await put('meta', 'b', 2)
    expect(await database.range('meta')).toEqual([1, 2])
    expect(opened).toHaveLength(2)
  })

  it('does not hold up another context that deletes the database, and makes a new one at the next use', async () => {
    await put('meta', 'a', 1)
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase(name)
      request.onblocked = () => reject(new Error('blocked'))
      request.onsuccess = () => resolve()
    })
    expect(await database.count('meta')).toBe(0)
    await put('meta', 'b', 2)
    expect(await database.range('meta')).toEqual([2])
  })

  it('does not hold up another context that upgrades the database, and goes on at its version', async () => {
    await put('meta', 'a', 1)
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.open(name, 2)
      request.onblocked = () => reject(new Error('blocked'))
      request.onsuccess = () => {
        request.result.close()
        resolve()
      }
    })
    expect(await database.get('meta', 'a')).toBe(1)
    expect(opened.at(-1)?.version).toBe(2)
  })

  it('lets the work that is under way end when another context wants the database', async () => {
    await put('meta', 'a', 1)
    const written = database.write(['meta'], tx => {
      indexedDB.open(name, 2).onsuccess = event => (event.target as IDBOpenDBRequest).result.close()
      tx.objectStore('meta').put(2, 'b')
    })
    await written
    expect(await database.range('meta')).toEqual([1, 2])
  })

  it('drops the database with all that is in it', async () => {
    await put('meta', 'a', 1)
    await database.drop()
    expect((await indexedDB.databases()).map(({ name }) => name)).not.toContain(name)
    expect(await database.count('meta')).toBe(0)
  })

  it('refuses whatever comes after close()', async () => {
    await put('meta', 'a', 1)
    const begun = put('meta', 'b', 2)
    const opening = openDatabase({ name, factory })
    const waiting = failure(opening.count('meta'))
    opening.close()
    expect(await waiting).toMatchObject({ code: 'closed' })
    await begun
    database.close()
    expect(await failure(database.get('meta', 'a'))).toMatchObject({ code: 'closed' })
    expect(await failure(put('meta', 'a', 1))).toMatchObject({ code: 'closed' })
    expect(await failure(database.drop())).toMatchObject({ code: 'closed' })
  })
})

/** fake-indexeddb's way to abort for a reason of the platform. */
interface Aborting {
  _abort(reason: string): void
}

function bounded(index: number | undefined): string | undefined {
  if (index === undefined) return undefined
  return index < 0 ? '' : keyFor(index)
}

function isWithin(key: string, { lower, lowerOpen, upper, upperOpen }: RangeOptions): boolean {
  const isAbove = lower === undefined || (lowerOpen ? key > lower : key >= lower)
  const isBelow = upper === undefined || (upperOpen ? key < upper : key <= upper)
  return isAbove && isBelow
}
