import type { LocalForageInstance } from './driver.ts'

/** Makes an instance of one store. Instances of one case share a database, which was empty when the case began. */
export type MakeInstance = (storeName?: 'records' | 'meta') => Promise<LocalForageInstance>

/** A case throws where it does not hold. */
export interface ContractCase {
  name: string
  /** What Node lacks: structured clone and storage of Blobs. */
  needsBrowser?: true
  run: (make: MakeInstance) => Promise<void>
}

/**
 * What localforage does, as its own IndexedDB driver does it. It is run over that driver and over ours, in Node and in a
 * browser's page and worker: it must pass everywhere. No test framework is imported, so that it loads anywhere.
 */
export const localforageContract: ContractCase[] = [
  {
    name: 'an item that is not there is null',
    async run(make) {
      const store = await make()
      equal(await store.getItem('nothing'), null)
    },
  },
  {
    name: 'setItem resolves with the value, and getItem gives a copy of it',
    async run(make) {
      const store = await make()
      const value = { title: 'note', tags: ['a', 'b'], deep: { n: 1 } }
      equal((await store.setItem('k', value)) === value, true)
      const read = await store.getItem<typeof value>('k')
      equal(read, value)
      equal(read === value, false)
      value.tags.push('later')
      equal((await store.getItem<typeof value>('k'))?.tags, ['a', 'b'])
    },
  },
  {
    name: 'an item is replaced',
    async run(make) {
      const store = await make()
      await store.setItem('k', 1)
      await store.setItem('k', 'two')
      equal(await store.getItem('k'), 'two')
      equal(await store.length(), 1)
    },
  },
  {
    name: 'undefined and null become null, and the item is there',
    async run(make) {
      const store = await make()
      equal(await store.setItem('undefined', undefined), null)
      equal(await store.setItem('null', null), null)
      equal(await store.getItem('undefined'), null)
      equal(await store.getItem('null'), null)
      equal(await store.keys(), ['null', 'undefined'])
    },
  },
  {
    name: 'falsy values stay what they are',
    async run(make) {
      const store = await make()
      for (const value of [0, '', false]) {
        equal(await store.setItem('k', value), value)
        equal(await store.getItem('k'), value)
      }
    },
  },
  {
    name: 'dates, maps, sets, buffers and typed arrays come back as such',
    async run(make) {
      const store = await make()
      const bytes = new Uint8Array([1, 2, 255])
      await store.setItem('k', {
        date: new Date(5),
        map: new Map([['a', 1]]),
        set: new Set([1]),
        bytes,
        raw: bytes.buffer,
      })
      const read = await store.getItem<{ date: Date; map: Map<string, number>; set: Set<number> }>('k')
      equal(read?.date.getTime(), 5)
      equal([...(read?.map ?? [])], [['a', 1]])
      equal([...(read?.set ?? [])], [1])
      const stored = await store.getItem<{ bytes: Uint8Array; raw: ArrayBuffer }>('k')
      equal([...(stored?.bytes ?? [])], [1, 2, 255])
      equal([...new Uint8Array(stored?.raw ?? new ArrayBuffer(0))], [1, 2, 255])
    },
  },
  {
    name: 'a Blob comes back as a Blob',
    needsBrowser: true,
    async run(make) {
      const store = await make()
      await store.setItem('k', new Blob(['words'], { type: 'text/plain' }))
      const read = await store.getItem<Blob>('k')
      equal(read instanceof Blob, true)
      equal(read?.type, 'text/plain')
      equal(await read?.text(), 'words')
    },
  },
  {
    name: 'a large value is kept whole',
    async run(make) {
      const store = await make()
      const large = 'x'.repeat(1_000_000)
      await store.setItem('k', large)
      equal((await store.getItem<string>('k'))?.length, 1_000_000)
    },
  },
  {
    name: 'a value that cannot be cloned rejects, alone, and nothing is stored of it',
    async run(make) {
      const store = await make()
      const results = await Promise.allSettled([
        store.setItem('before', 1),
        store.setItem('bad', { call: () => 1 }),
        store.setItem('after', 2),
      ])
      equal(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      equal(await store.keys(), ['after', 'before'])
    },
  },
  {
    name: 'what is stored is the value as it was passed, also when other writes are under way',
    async run(make) {
      const store = await make()
      const first = store.setItem('first', 1)
      await microtasks(20)
      const value = { n: 1 }
      const second = store.setItem('second', value)
      await microtasks(20)
      value.n = 2
      await Promise.all([first, second])
      equal(await store.getItem('second'), { n: 1 })
    },
  },
  {
    name: 'a key that is not a string is warned about and made one',
    async run(make) {
      const store = await make()
      const warnings = await countWarnings(async () => {
        await store.setItem(7 as never, 'seven')
        equal(await store.getItem(7 as never), 'seven')
        await store.setItem(null as never, 'nothing')
        await store.removeItem(null as never)
      })
      equal(await store.getItem('7'), 'seven')
      equal(await store.keys(), ['7'])
      equal(warnings, 4)
    },
  },
  {
    name: 'keys may be empty, long, or named as a property of objects',
    async run(make) {
      const store = await make()
      const keys = ['', ' ', '__proto__', 'constructor', 'k'.repeat(2_000), 'ключ', '🔑']
      for (const key of keys) await store.setItem(key, `value of ${key}`)
      for (const key of keys) equal(await store.getItem(key), `value of ${key}`)
      equal(await store.length(), keys.length)
    },
  },
  {
    name: 'removeItem removes one item, and does not mind one that is not there',
    async run(make) {
      const store = await make()
      await store.setItem('a', 1)
      await store.setItem('b', 2)
      equal(await store.removeItem('a'), undefined)
      equal(await store.removeItem('never'), undefined)
      equal(await store.getItem('a'), null)
      equal(await store.keys(), ['b'])
    },
  },
  {
    name: 'clear empties its own store and no other',
    async run(make) {
      const [records, meta] = [await make('records'), await make('meta')]
      await records.setItem('a', 1)
      await meta.setItem('a', 2)
      equal(await records.clear(), undefined)
      equal(await records.length(), 0)
      equal(await meta.getItem('a'), 2)
    },
  },
  {
    name: 'instances of one store see the same items',
    async run(make) {
      const [one, other] = [await make('records'), await make('records')]
      await one.setItem('a', 1)
      equal(await other.getItem('a'), 1)
      await other.removeItem('a')
      equal(await one.length(), 0)
    },
  },
  {
    name: 'length, keys and key follow the order of the keys',
    async run(make) {
      const store = await make()
      equal([await store.length(), await store.keys(), await store.key(0)], [0, [], null])
      for (const key of ['b', 'a', 'B', 'ä', '10', '9']) await store.setItem(key, key)
      equal(await store.length(), 6)
      equal(await store.keys(), ['10', '9', 'B', 'a', 'b', 'ä'])
      equal([await store.key(0), await store.key(1), await store.key(5)], ['10', '9', 'ä'])
    },
  },
  {
    name: 'key beyond the end, or before the beginning, is null',
    async run(make) {
      const store = await make()
      await store.setItem('a', 1)
      equal([await store.key(1), await store.key(99), await store.key(-1)], [null, null, null])
    },
  },
  {
    name: 'iterate visits all in order, counts from 1 and resolves undefined',
    async run(make) {
      const store = await make()
      for (const key of ['c', 'a', 'b']) await store.setItem(key, `value ${key}`)
      const seen: unknown[] = []
      const result = await store.iterate((value, key, number) => {
        seen.push([value, key, number])
      })
      equal(result, undefined)
      equal(seen, [
        ['value a', 'a', 1],
        ['value b', 'b', 2],
        ['value c', 'c', 3],
      ])
    },
  },
  {
    name: 'iterate over nothing resolves undefined without a visit',
    async run(make) {
      const store = await make()
      let visits = 0
      equal(await store.iterate(() => visits++), undefined)
      equal(visits, 0)
    },
  },
  {
    name: 'iterate stops at the first result that is not undefined',
    async run(make) {
      const store = await make()
      for (const key of ['a', 'b', 'c']) await store.setItem(key, key)
      for (const result of ['stop', 0, false, null, '']) {
        let visits = 0
        const stopped = await store.iterate((_value, key) => {
          visits += 1
          return key === 'b' ? result : undefined
        })
        equal(stopped, result)
        equal(visits, 2)
      }
    },
  },
  {
    name: 'iterate may write to the store meanwhile',
    async run(make) {
      const store = await make()
      for (const key of ['a', 'b']) await store.setItem(key, 1)
      const writes: Promise<unknown>[] = []
      await store.iterate((_value, key) => {
        writes.push(store.setItem(`${key} copy`, 1), store.removeItem(key))
      })
      await Promise.all(writes)
      equal(await store.keys(), ['a copy', 'b copy'])
    },
  },
  {
    name: 'a read that is asked for before a write does not see it',
    async run(make) {
      const store = await make()
      await store.setItem('k', 'old')
      const [read] = await Promise.all([store.getItem('k'), store.setItem('k', 'new')])
      equal(read, 'old')
    },
  },
  {
    name: 'of many writes to one key at once the last one stays',
    async run(make) {
      const store = await make()
      const values = Array.from({ length: 60 }, (_, index) => index)
      equal(await Promise.all(values.map(value => store.setItem('k', value))), values)
      equal(await store.getItem('k'), 59)
    },
  },
  {
    name: 'every method takes a callback, with the error first',
    async run(make) {
      const store = await make()
      equal(await called(done => store.setItem('k', 'v', done)), [null, 'v'])
      equal(await called(done => store.setItem('u', undefined as unknown, done)), [null, null])
      equal(await called(done => store.getItem('k', done)), [null, 'v'])
      equal(await called(done => store.length(done)), [null, 2])
      equal(await called(done => store.key(0, done)), [null, 'k'])
      equal(await called(done => store.key(-1, done)), [null, null])
      equal(await called(done => store.keys(done)), [null, ['k', 'u']])
      equal(await called(done => store.iterate((_value, key) => key, done)), [null, 'k'])
      equal(await called(done => store.removeItem('k', done)), [null, undefined])
      equal(await called(done => store.clear(done)), [null, undefined])
      equal(await called(done => store.dropInstance(undefined, done)), [null, undefined])
      equal(await store.length(), 0)
    },
  },
  {
    name: 'a callback gets the error, and the promise rejects as well',
    async run(make) {
      const store = await make()
      let rejected: unknown
      const [error, ...rest] = await called(done => {
        store
          .setItem('k', () => 1, done)
          .catch(cause => {
            rejected = cause
          })
      })
      await microtasks(20)
      equal(error instanceof Error && error === rejected, true)
      equal(rest, [])
    },
  },
  {
    name: 'dropInstance without options drops the store of the instance, which begins anew with the next use',
    async run(make) {
      const [records, meta] = [await make('records'), await make('meta')]
      await records.setItem('a', 1)
      await meta.setItem('a', 2)
      await records.dropInstance()
      equal(await meta.getItem('a'), 2)
      equal(await records.length(), 0)
      await records.setItem('b', 3)
      equal(await records.keys(), ['b'])
    },
  },
  {
    name: 'dropInstance with a name and a store drops that store',
    async run(make) {
      const [records, meta] = [await make('records'), await make('meta')]
      await records.setItem('a', 1)
      await meta.setItem('a', 2)
      await records.dropInstance({ name: nameOf(records), storeName: 'meta' })
      equal(await records.getItem('a'), 1)
      equal(await meta.length(), 0)
    },
  },
  {
    name: 'dropInstance does not mind a store that is not there',
    async run(make) {
      const store = await make()
      await store.setItem('a', 1)
      equal(await store.dropInstance({ name: nameOf(store), storeName: 'never' }), undefined)
      equal(await store.getItem('a'), 1)
    },
  },
  {
    name: 'dropInstance with a name alone deletes the database, which begins anew with the next use',
    async run(make) {
      const store = await make('records')
      await store.setItem('a', 1)
      await store.dropInstance({ name: nameOf(store) })
      equal(
        (await indexedDB.databases()).some(({ name }) => name === nameOf(store)),
        false,
      )
      equal(await store.length(), 0)
      await store.setItem('b', 2)
      equal(await store.getItem('b'), 2)
    },
  },
  {
    name: 'dropInstance takes a callback as its only argument',
    async run(make) {
      const store = await make()
      await store.setItem('a', 1)
      equal(await called(done => store.dropInstance(done as never)), [null, undefined])
      equal(await store.length(), 0)
    },
  },
  {
    name: 'methods may be called before the instance is ready',
    async run(make) {
      const store = await make()
      const early = store.createInstance({ ...store.config() })
      equal(await Promise.all([early.length(), early.setItem('a', 1)]), [0, 1])
      equal(await early.getItem('a'), 1)
      equal(early.driver(), store.driver())
      equal(early.config('storeName' as never), 'records')
    },
  },
]

type Done = (...args: never[]) => void

/** What a callback was called with. */
function called(use: (done: (...args: unknown[]) => void) => unknown): Promise<unknown[]> {
  return new Promise(resolve => use(((...args: unknown[]) => resolve(args)) as Done as () => void))
}

function nameOf(store: LocalForageInstance): string {
  return store.config().name ?? ''
}

async function microtasks(count: number): Promise<void> {
  for (let index = 0; index < count; index++) await Promise.resolve()
}

async function countWarnings(work: () => Promise<void>): Promise<number> {
  const original = console.warn
  let warnings = 0
  console.warn = () => {
    warnings += 1
  }
  try {
    await work()
  } finally {
    console.warn = original
  }
  return warnings
}

function equal(actual: unknown, expected: unknown): void {
  if (!isEqual(actual, expected)) throw new Error(`expected ${inWords(expected)}, but got ${inWords(actual)}`)
}

function isEqual(actual: unknown, expected: unknown): boolean {
  if (Object.is(actual, expected)) return true
  if (typeof actual !== 'object' || typeof expected !== 'object' || actual === null || expected === null) return false
  if (Array.isArray(actual) !== Array.isArray(expected)) return false
  const [own, other] = [Object.entries(actual), Object.entries(expected)]
  if (own.length !== other.length) return false
  return own.every(([key, value]) => isEqual(value, (expected as Record<string, unknown>)[key]))
}

function inWords(value: unknown): string {
  return JSON.stringify(value, (_key, part) => (part === undefined ? 'undefined' : part)) ?? String(value)
}
