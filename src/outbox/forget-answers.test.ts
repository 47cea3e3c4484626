import 'fake-indexeddb/auto'
import { beforeEach, expect, it } from 'vitest'
import type { Settlement } from '../protocol/settlement.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { changeQueue } from './change-queue.ts'
import { COUNTERS_KEY, type Counters } from './counters.ts'
import { forgetOldAnswers } from './forget-answers.ts'
import { keepAnswer } from './keep-answer.ts'
import { DEFAULT_SETTINGS } from './settings.ts'
import { SETTLED_PREFIX } from './settled.ts'

const HOUR_MS = 60 * 60 * 1000
const now = Date.parse('2026-11-21T12:00:00Z')
const limits = DEFAULT_SETTINGS.answers
let storage: Storage
let databases = 0

beforeEach(async () => {
  databases += 1
  storage = await openStorage({ name: `settled-${databases}` })
})

const confirmed = (body: unknown): Settlement => ({ kind: 'confirmed', status: 200, headers: {}, body })
const keep = (id: string, hoursAgo: number, settlement: Settlement = confirmed('x')) =>
  changeQueue(storage, queue => keepAnswer(queue, id, { at: now - hoursAgo * HOUR_MS, settlement }, { whole: true }))
const kept = async () => {
  const keys = await storage.meta.keys()
  return keys.filter(key => key.startsWith(SETTLED_PREFIX)).map(key => key.slice(SETTLED_PREFIX.length))
}
const counted = async () => (await storage.meta.getItem<Counters>(COUNTERS_KEY))?.answers

it('forgets answers that are older than a day, and nothing else', async () => {
  await keep('old', 25)
  await keep('young', 23)
  await storage.meta.setItem('settlement', 'of something else')
  await forgetOldAnswers(storage, limits, now)
  expect(await kept()).toEqual(['young'])
  expect(await storage.meta.getItem('settlement')).toBe('of something else')
  expect(await counted()).toMatchObject({ count: 1 })
})

it('keeps no more than so many, the newest', async () => {
  for (const id of ['1', '2', '3', '4']) await keep(id, 0)
  await forgetOldAnswers(storage, { ...limits, count: 2 }, now)
  expect(await kept()).toEqual(['3', '4'])
})

it('keeps no more than so much', async () => {
  for (const id of ['1', '2', '3']) await keep(id, 0, confirmed('y'.repeat(1_000)))
  await forgetOldAnswers(storage, { ...limits, bytes: 2_500 }, now)
  expect(await kept()).toEqual(['2', '3'])
  expect((await counted())?.bytes).toBeGreaterThan(2_000)
  expect((await counted())?.bytes).toBeLessThan(2_500)
})
