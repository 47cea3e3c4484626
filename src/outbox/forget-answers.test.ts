import 'fake-indexeddb/auto'
import { expect, it } from 'vitest'
import { openStorage } from '../storage/open-storage.ts'
import { forgetOldAnswers } from './forget-answers.ts'
import { settledKey } from './settled.ts'

const HOUR_MS = 60 * 60 * 1000

it('forgets answers that are older than a day, and nothing else', async () => {
  const storage = await openStorage({ name: 'settled-1' })
  const now = Date.parse('2026-11-21T12:00:00Z')
  const settlement = { kind: 'cancelled' }
  await storage.meta.setItems([
    [settledKey('old'), { at: now - 25 * HOUR_MS, settlement }],
    [settledKey('young'), { at: now - 23 * HOUR_MS, settlement }],
    ['sequence', 7],
    ['settlement', 'of something else'],
  ])
  await forgetOldAnswers(storage, now)
  expect(await storage.meta.keys()).toEqual(['sequence', settledKey('young'), 'settlement'])
})
