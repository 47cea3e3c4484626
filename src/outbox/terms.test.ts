import 'fake-indexeddb/auto'
import { beforeEach, expect, it } from 'vitest'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { createTerms, writeAsLeader } from './terms.ts'

let count = 0
let storage: Storage
let another: Storage

/** Two tabs, each with a connection of its own. */
beforeEach(async () => {
  count += 1
  storage = await openStorage({ name: `terms-${count}` })
  another = await openStorage({ name: `terms-${count}` })
})

const termsOf = (one: Storage) => createTerms(async () => one)

it('begins each term above every other one', async () => {
  const [here, there] = [termsOf(storage), termsOf(another)]
  expect(await here.next(0)).toBe(1)
  expect(await there.next(0)).toBe(2)
  expect(await here.next(1)).toBe(3)
})

it('begins a term above what was heard of, also where the database has less', async () => {
  expect(await termsOf(storage).next(6)).toBe(7)
  expect(await termsOf(another).next(0)).toBe(8)
})

it('gives no two tabs the same term, however many ask at once', async () => {
  const asked = Array.from({ length: 20 }, (_, place) => termsOf(place % 2 ? storage : another).next(0))
  expect(new Set(await Promise.all(asked)).size).toBe(20)
})

it('says which term is current', async () => {
  const terms = termsOf(storage)
  const first = await terms.next(0)
  expect(await terms.isCurrent(first)).toBe(true)
  const second = await termsOf(another).next(0)
  expect(await terms.isCurrent(first)).toBe(false)
  expect(await terms.isCurrent(second)).toBe(true)
})

it('writes for the leader of the current term', async () => {
  const term = await termsOf(storage).next(0)
  expect(await writeAsLeader(storage, term, 'link', 'fast')).toBe(true)
  expect(await another.meta.getItem('link')).toBe('fast')
})

it('writes nothing for a leader that was overtaken', async () => {
  const old = await termsOf(storage).next(0)
  const term = await termsOf(another).next(0)
  await writeAsLeader(another, term, 'link', 'fast')
  expect(await writeAsLeader(storage, old, 'link', 'slow')).toBe(false)
  expect(await storage.meta.getItem('link')).toBe('fast')
})

it('rejects where the database does', async () => {
  const terms = createTerms(() => Promise.reject(new Error('refused')))
  await expect(terms.next(0)).rejects.toThrow('refused')
  await expect(terms.isCurrent(1)).rejects.toThrow('refused')
})
