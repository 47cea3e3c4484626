import 'fake-indexeddb/auto'
import { expect, it } from 'vitest'
import { settledKey } from '../outbox/settled.ts'
import { openStorage } from '../storage/open-storage.ts'
import { createReceipts } from './receipts.ts'

it('resolves with how the mutation ended, when the channel says that it did', async () => {
  const storage = await openStorage({ name: 'receipts-1' })
  const receipts = createReceipts(async () => storage)
  const settled = receipts.settledOf('a')
  await storage.meta.setItem(settledKey('a'), { at: 1, settlement: { kind: 'cancelled' } })
  receipts.hear({ holdfast: 1, type: 'settled', ids: ['b', 'a'] })
  expect(await settled).toEqual({ kind: 'cancelled' })
})

it('does not resolve at an attempt that came to nothing, and finds an end whose message was missed', async () => {
  const storage = await openStorage({ name: 'receipts-2' })
  const receipts = createReceipts(async () => storage)
  let ended = false
  const settled = receipts.settledOf('a').then(settlement => {
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
