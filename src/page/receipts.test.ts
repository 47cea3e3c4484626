import 'fake-indexeddb/auto'
import { expect, it } from 'vitest'
import { settledKey } from '../outbox/settled.ts'
import { openStorage } from '../storage/open-storage.ts'
import { createReceipts } from './receipts.ts'

it('resolves with how the mutation ended, when the channel says that it did', async () => {
  const storage = await openStorage({ name: 'receipts-1' })
  const receipts = createReceipts(async () => storage)
  const settled = receipts.expect('a')
  await storage.meta.setItem(settledKey('a'), { at: 1, settlement: { kind: 'cancelled' } })
  receipts.hear({ holdfast: 1, type: 'settled', ids: ['b', 'a'] })
  expect(await settled).toEqual({ kind: 'cancelled' })
})

it('does not resolve at an attempt that came to nothing, and finds an end whose message was missed', async () => {
  const storage = await openStorage({ name: 'receipts-2' })
  const receipts = createReceipts(async () => storage)
  let ended = false
  const settled = receipts.expect('a').then(settlement => {
    ended = true
    return settlement
  })
  receipts.hear({ holdfast: 1, type: 'settled', ids: ['a'] })
  await receipts.refresh()
  expect(ended).toBe(false)
  const settlement = { kind: 'dead', reason: 'refused', status: 422 }
  await storage.meta.setItem(settledKey('a'), { at: 1, settlement })
  await receipts.refresh()
  expect(await settled).toEqual(settlement)
})

it('gives everybody who asks for one mutation the same promise', async () => {
  const storage = await openStorage({ name: 'receipts-3' })
  const receipts = createReceipts(async () => storage)
  const first = receipts.expect('a')
  const second = receipts.settledOf('a')
  expect(second).toBe(first)
  await storage.meta.setItem(settledKey('a'), { at: 1, settlement: { kind: 'cancelled' } })
  await receipts.refresh()
  expect(await Promise.all([first, second])).toEqual([{ kind: 'cancelled' }, { kind: 'cancelled' }])
})

it('finds an end that is on record already, with no message to come', async () => {
  const storage = await openStorage({ name: 'receipts-4' })
  await storage.meta.setItem(settledKey('a'), { at: 1, settlement: { kind: 'cancelled' } })
  expect(await createReceipts(async () => storage).settledOf('a')).toEqual({ kind: 'cancelled' })
})

it('reads nothing for a mutation that is about to be stored, and outlives a database that cannot be opened', async () => {
  const storage = await openStorage({ name: 'receipts-5' })
  let opened = 0
  const receipts = createReceipts(async () => {
    opened += 1
    if (opened === 1) throw new Error('closed')
    return storage
  })
  void receipts.expect('b')
  expect(opened).toBe(0)
  const settled = receipts.settledOf('a')
  expect(opened).toBe(1)
  await storage.meta.setItem(settledKey('a'), { at: 1, settlement: { kind: 'cancelled' } })
  await receipts.refresh()
  expect(await settled).toEqual({ kind: 'cancelled' })
})

it('forgets one that could not be stored', async () => {
  let opened = 0
  const receipts = createReceipts(() => {
    opened += 1
    return Promise.reject(new Error('not asked for'))
  })
  void receipts.expect('a')
  receipts.forget('a')
  await receipts.refresh()
  expect(opened).toBe(0)
})
