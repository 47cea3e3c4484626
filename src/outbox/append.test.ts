import 'fake-indexeddb/auto'
import { expect, it } from 'vitest'
import type { Mutation } from '../protocol/mutation.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { createAppend } from './append.ts'
import { type PreparedMutation, prepareMutation } from './mutation-input.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'

let count = 0
const open = () => openStorage({ name: `append-${++count}` })
const prepared = (id: string): PreparedMutation =>
  prepareMutation(
    { url: '/a' },
    {
      base: 'https://app.example',
      now: () => 1,
      newId: () => id,
      retry: DEFAULT_RETRY,
      loadRare: () => import('./rare-input.ts'),
    },
  ) as PreparedMutation
const idsOf = async (storage: Storage) => (await storage.mutations.range<Mutation>()).map(({ id }) => id)

it('keeps the order of the calls', async () => {
  const storage = await open()
  const append = createAppend(storage)
  const ids = Array.from({ length: 1_000 }, (_, index) => `id-${index}`)
  await Promise.all(ids.map(id => append(prepared(id))))
  expect(await idsOf(storage)).toEqual(ids)
})

it('keeps it over two contexts that do not know of each other', async () => {
  const storage = await open()
  const other = await openStorage({ name: storage.database.name })
  const [appendA, appendB] = [createAppend(storage), createAppend(other)]
  const order: string[] = []
  for (const [index, append] of [appendA, appendA, appendB, appendA, appendB, appendB, appendB, appendA].entries()) {
    await append(prepared(`id-${index}`))
    order.push(`id-${index}`)
  }
  expect(await idsOf(storage)).toEqual(order)
})

it('never puts a later write before an earlier one, also when the queue was emptied in between', async () => {
  const storage = await open()
  const other = await openStorage({ name: storage.database.name })
  const append = createAppend(storage)
  for (let index = 0; index < 5; index += 1) await append(prepared(`first-${index}`))
  await storage.mutations.clear()
  await append(prepared('second'))
  await createAppend(other)(prepared('third'))
  expect(await idsOf(storage)).toEqual(['second', 'third'])
})

it('keys the record with the place that it has', async () => {
  const storage = await open()
  const other = await openStorage({ name: storage.database.name })
  await createAppend(storage)(prepared('a'))
  await createAppend(other)(prepared('b'))
  const records = await storage.mutations.range<Mutation>()
  expect(records.map(({ key }) => key)).toEqual(await storage.mutations.keys())
})

it('stores nothing of a write that fails', async () => {
  const storage = await open()
  const append = createAppend(storage)
  await append(prepared('a'))
  const twice = append({ ...prepared('a'), apart: 'body' })
  await expect(twice).rejects.toMatchObject({ code: 'storage-failed' })
  expect(await idsOf(storage)).toEqual(['a'])
  expect(await storage.blobs.count()).toBe(0)
  await append(prepared('b'))
  expect(await idsOf(storage)).toEqual(['a', 'b'])
})
