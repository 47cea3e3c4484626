import { afterEach, beforeEach, expect, it } from 'vitest'
import { createEngine, type Engine } from './engine.fixture.ts'
import { type AnswerLimits, DEFAULT_SETTINGS } from './settings.ts'
import { SETTLED_PREFIX, settledKey } from './settled.ts'

const DAY = 24 * 60 * 60 * 1000

let engine: Engine

beforeEach(async () => {
  engine = await createEngine()
})

afterEach(() => engine.close())

const limit = (changes: Partial<AnswerLimits>) =>
  engine.settings({ answers: { ...DEFAULT_SETTINGS.answers, ...changes } })
const kept = async () => (await engine.storage.meta.keys()).filter(key => key.startsWith(SETTLED_PREFIX))

it('are forgotten within an hour after a day, where the app says a day, by the next run that confirms something', async () => {
  await limit({ keepMs: DAY })
  const [first = ''] = await engine.record('/a')
  await engine.drain()
  engine.time.set(engine.time.now() + DAY)
  const [second = ''] = await engine.record('/b')
  await engine.drain()
  expect(await kept()).toEqual([settledKey(first), settledKey(second)])
  engine.time.set(engine.time.now() + DAY / 24)
  const [third = ''] = await engine.record('/c')
  await engine.drain()
  expect(await kept()).toEqual([settledKey(second), settledKey(third)])
})

it('are no more than the app said: the oldest go', async () => {
  await limit({ count: 3 })
  const ids = await engine.record('/a', '/b', '/c', '/d', '/e')
  await engine.drain()
  expect(await kept()).toEqual(ids.slice(-3).map(settledKey))
  expect(await engine.counters()).toMatchObject({ answers: { count: 3 } })
})

it('take no more than the app said', async () => {
  await limit({ bytes: 3_000 })
  const ids = await engine.record('/a', '/b', '/c', '/d', '/e')
  engine.answer = () => Response.json('x'.repeat(1_000))
  await engine.drain()
  expect(await kept()).toEqual(ids.slice(-2).map(settledKey))
  const { answers } = await engine.counters()
  expect(answers.count).toBe(2)
  expect(answers.bytes).toBeLessThanOrEqual(3_000)
  expect(answers.bytes).toBeGreaterThan(2_000)
})

it('of one that is too large alone is not kept, and nothing else breaks', async () => {
  await limit({ bytes: 500 })
  await engine.record('/a')
  engine.answer = () => Response.json('x'.repeat(1_000))
  expect(await engine.drain()).toMatchObject({ synced: 1 })
  expect(await kept()).toEqual([])
  expect(await engine.counters()).toMatchObject({ answers: { count: 0, bytes: 0 } })
})
