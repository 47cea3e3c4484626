import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { laneOf } from '../protocol/queue-key.ts'
import { tallyOf } from './counters.ts'
import { createEngine, type Engine } from './engine.fixture.ts'
import { HELD_KEY, PAUSED_KEY, pause } from './pause.ts'
import { identify, PRINCIPAL_KEY } from './principal.ts'
import { readTally } from './read-tally.ts'

let engine: Engine

beforeEach(async () => {
  engine = await createEngine()
})

afterEach(() => engine.close())

const answering = (status: number) => new Response(null, { status })
const later = (ms: number) => engine.time.set(engine.time.now() + ms)

describe('whose mutations are sent', () => {
  it('is who was named last; those of others are kept, and sent when they are back', async () => {
    await identify(engine.storage, 'A')
    await engine.recordFor({ principal: 'A' }, '/a1', '/a2')
    await identify(engine.storage, 'B')
    await engine.recordFor({ principal: 'B' }, '/b1')
    expect(await engine.drain()).toMatchObject({ synced: 1, remaining: 0 })
    expect(engine.paths()).toEqual(['/b1'])
    expect(await engine.drain({ eagerBefore: engine.time.now() })).toMatchObject({ synced: 0, remaining: 0 })

    await identify(engine.storage, 'A')
    expect(await engine.drain()).toMatchObject({ synced: 2, remaining: 0 })
    expect(engine.paths()).toEqual(['/b1', '/a1', '/a2'])
  })

  it('is nobody in particular before, and after a sign-out', async () => {
    await engine.record('/nobody')
    await engine.recordFor({ principal: 'A' }, '/a')
    await engine.drain()
    await identify(engine.storage, 'A')
    await engine.record('/nobody-2')
    await engine.drain()
    await identify(engine.storage, undefined)
    await engine.drain()
    expect(engine.paths()).toEqual(['/nobody', '/a', '/nobody-2'])
  })

  it('is told apart also where one name begins with the other, or has signs of the keys in it', async () => {
    const people = ['a', 'ab', 'a|', '@a', 'a|https://app.example', '1', 'h', 'ü']
    for (const [index, principal] of people.entries()) await engine.recordFor({ principal }, `/${index}`)
    for (const [index, principal] of people.entries()) {
      await identify(engine.storage, principal)
      expect(await engine.drain()).toMatchObject({ synced: 1, remaining: 0 })
      expect(engine.paths().at(-1)).toBe(`/${index}`)
    }
  })

  it('holds for what is delayed, blocked and left behind by a dead sender too', async () => {
    await engine.recordFor({ principal: 'A' }, '/late', { url: '/x1', entity: 'x' }, { url: '/x2', entity: 'x' })
    await identify(engine.storage, 'A')
    engine.answer = () => answering(503)
    await engine.drain()
    await identify(engine.storage, 'B')
    later(600_000)
    engine.answer = () => answering(200)
    expect(await engine.drain({ eagerBefore: engine.time.now() })).toMatchObject({ synced: 0, remaining: 0 })
    expect(engine.paths().filter(path => path === '/x2')).toEqual([])
    await identify(engine.storage, 'A')
    expect(await engine.drain()).toMatchObject({ synced: 3, remaining: 0 })
  })

  it('gives the due time of the present one only', async () => {
    const notBefore = (ms: number) => new Date(engine.time.now() + ms)
    await engine.recordFor({ principal: 'A' }, { url: '/a', notBefore: notBefore(1_000) })
    await engine.recordFor({ principal: 'B' }, { url: '/b', notBefore: notBefore(9_000) })
    await identify(engine.storage, 'B')
    expect(await engine.drain()).toMatchObject({ remaining: 1, nextAttemptAt: engine.time.now() + 9_000 })
  })
})

describe('an entity', () => {
  it('of the same name is another one for another person', async () => {
    await engine.recordFor({ principal: 'A' }, { url: '/a1', entity: 'note' }, { url: '/a2', entity: 'note' })
    await engine.recordFor({ principal: 'B' }, { url: '/b1', entity: 'note' })
    await engine.record({ url: '/n1', entity: 'note' })
    await identify(engine.storage, 'B')
    expect(await engine.drain()).toMatchObject({ synced: 1, remaining: 0 })
    await identify(engine.storage, undefined)
    expect(await engine.drain()).toMatchObject({ synced: 1, remaining: 0 })
    await identify(engine.storage, 'A')
    expect(await engine.drain()).toMatchObject({ synced: 2, remaining: 0 })
    expect(engine.paths()).toEqual(['/b1', '/n1', '/a1', '/a2'])
  })
})

describe('naming somebody else in the middle of a run', () => {
  it('switches at once: what is claimed and unsent goes back, what is on its way is finished', async () => {
    await identify(engine.storage, 'A')
    await engine.recordFor({ principal: 'A' }, ...Array.from({ length: 12 }, (_, index) => `/a${index}`))
    await engine.recordFor({ principal: 'B' }, '/b')
    let onTheirWay = 0
    engine.answer = async ({ path }) => {
      await engine.time.sleep(100)
      if (path === '/a2') {
        onTheirWay = engine.sent.length
        await engine.time.busy(engine.identify('B'))
      }
      return answering(200)
    }
    expect(await engine.drain()).toMatchObject({ remaining: 0 })
    expect(engine.paths().slice(onTheirWay)).toEqual(['/b'])
    const left = await engine.queue()
    expect(left).toHaveLength(12 - onTheirWay)
    expect(left.every(({ lease, attempts }) => !lease && attempts === 0)).toBe(true)

    await identify(engine.storage, 'A')
    expect(await engine.drain()).toMatchObject({ remaining: 0 })
    expect([...engine.paths()].sort()).toEqual([...new Set(engine.paths())].sort())
  })
})

describe('the counts', () => {
  it('are for each by themselves', async () => {
    await identify(engine.storage, 'A')
    const body = 'x'.repeat(10)
    await engine.recordFor({ principal: 'A' }, { url: '/a1', body }, { url: '/a2', body })
    await engine.recordFor({ principal: 'B' }, { url: '/b1', body })
    engine.answer = ({ path }) => answering(path === '/a1' ? 422 : 503)
    await engine.drain()
    const counters = await engine.counters()
    expect(tallyOf(counters, laneOf('A'))).toEqual({ pending: 1, bytes: 10, held: 0, dead: 1 })
    expect(tallyOf(counters, laneOf('B'))).toEqual({ pending: 1, bytes: 10, held: 0, dead: 0 })
    expect(tallyOf(counters, laneOf(undefined))).toEqual({ pending: 0, bytes: 0, held: 0, dead: 0 })
    expect(await readTally(engine.storage)).toMatchObject({ pending: 1, dead: 1 })
    await identify(engine.storage, 'B')
    expect(await readTally(engine.storage)).toMatchObject({ pending: 1, dead: 0 })
  })
})

describe('a hold', () => {
  it('ends when somebody is named, since it was about the one before; a pause does not', async () => {
    await identify(engine.storage, 'A')
    await engine.recordFor({ principal: 'A' }, '/a')
    engine.answer = () => answering(401)
    await engine.drain()
    expect(await engine.meta(HELD_KEY)).toBeDefined()
    await pause(engine.storage)
    await identify(engine.storage, 'A')
    expect(await engine.meta(HELD_KEY)).toBeUndefined()
    expect(await engine.meta(PAUSED_KEY)).toBe(true)
    expect(await engine.meta(PRINCIPAL_KEY)).toBe('A')
  })
})
