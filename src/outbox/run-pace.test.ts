import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEngine, type Engine, OWN_ORIGIN } from './engine.fixture.ts'
import { DEFAULT_SETTINGS } from './settings.ts'

const OTHER = 'https://other.example'
const MINUTE = 60_000

let engine: Engine
let underWay: number
/** For each request, how many were under way when it left, itself included. */
let levels: number[]

beforeEach(async () => {
  engine = await createEngine()
  underWay = 0
  levels = []
})

afterEach(() => engine.close())

const pace = (changes: Partial<typeof DEFAULT_SETTINGS.pace>) =>
  engine.settings({ pace: { ...DEFAULT_SETTINGS.pace, ...changes } })
const many = (count: number, origin = OWN_ORIGIN, name = '') =>
  engine.record(...Array.from({ length: count }, (_, index) => `${origin}/${name}${index}`))
const answering = (status: number, headers: Record<string, string> = {}) => new Response(null, { status, headers })
const failing = () => Promise.reject(new TypeError('Failed to fetch'))
const later = (ms: number) => engine.time.set(engine.time.now() + ms)
const sentTo = (origin: string) => engine.sent.filter(request => request.origin === origin)

/** Takes so long for each, and notes how many were under way. */
function taking(ms: number, answer: Engine['answer'] = () => answering(200)): Engine['answer'] {
  return async (request, nth) => {
    underWay += 1
    levels.push(underWay)
    await engine.time.sleep(ms)
    underWay -= 1
    return answer(request, nth)
  }
}

describe('how many at once', () => {
  it('begins with one until a server has answered, then few, and grows to the most', async () => {
    await many(40)
    engine.answer = taking(15)
    expect(await engine.drain()).toMatchObject({ synced: 40 })
    expect(levels[0]).toBe(1)
    expect(engine.sent[1]?.at).toBeGreaterThan(engine.sent[0]?.at ?? 0)
    expect(Math.max(...levels.slice(1, 3))).toBe(2)
    expect(Math.max(...levels)).toBe(6)
  })

  it('does not grow where the round trip grows with it', async () => {
    await many(120)
    // One after the other, whatever comes at once: a queue in the server.
    engine.answer = async () => {
      underWay += 1
      levels.push(underWay)
      await engine.time.sleep(60 * underWay)
      underWay -= 1
      return answering(200)
    }
    await engine.drain()
    const last = levels.slice(-60)
    expect(last.reduce((sum, level) => sum + level, 0) / last.length).toBeLessThan(4)
  })

  it('falls by half where the server refuses', async () => {
    await many(60)
    engine.answer = taking(15, ({ path }) => answering(path === '/30' ? 503 : 200))
    await engine.drain()
    const refused = engine.paths().indexOf('/30')
    // Those under way end first.
    const after = levels.slice(refused + 6, refused + 10)
    expect(Math.max(...levels.slice(0, refused))).toBe(6)
    expect(Math.max(...after)).toBeLessThanOrEqual(4)
    expect(Math.min(...after)).toBeLessThanOrEqual(3)
  })

  it('is one at a time where the app says so, and no two of them overlap', async () => {
    await pace({ concurrency: { min: 1, max: 1 } })
    await many(10)
    engine.answer = taking(20)
    expect(await engine.drain()).toMatchObject({ synced: 10 })
    expect(levels).toEqual(Array(10).fill(1))
  })

  it('is what the next run begins with, a minute later, and learned anew after a long rest', async () => {
    const sides: number[] = []
    for (const rest of [MINUTE, 11 * MINUTE]) {
      await many(30)
      engine.answer = taking(15)
      await engine.drain()
      later(rest)
      await many(10)
      engine.sent = []
      await engine.drain()
      const second = engine.sent[1]?.at
      sides.push(engine.sent.filter(({ at }) => at === second).length)
    }
    // Two, and one more for the first answer.
    expect(sides).toEqual([6, 3])
  })
})

describe('Retry-After', () => {
  it('silences its whole origin, not another one, and survives a restart', async () => {
    await many(3)
    await many(2, OTHER, 'other-')
    engine.answer = ({ path }) => (path === '/0' ? answering(429, { 'retry-after': '60' }) : answering(200))
    const startedAt = engine.time.now()
    const result = await engine.drain()
    expect(result).toMatchObject({ synced: 2, remaining: 3 })
    expect(result.nextAttemptAt).toBeGreaterThanOrEqual(startedAt + MINUTE)
    expect(result.nextAttemptAt).toBeLessThanOrEqual(startedAt + MINUTE + 6_000)
    expect(engine.paths()).toEqual(['/0', '/other-0', '/other-1'])

    later(30_000)
    expect(await engine.drain()).toMatchObject({ synced: 0, remaining: 3 })
    expect(await engine.drain({ eagerBefore: engine.time.now() })).toMatchObject({ synced: 0, remaining: 3 })
    expect(sentTo(OWN_ORIGIN)).toHaveLength(1)

    engine.answer = () => answering(200)
    later(36_000)
    expect(await engine.drain()).toMatchObject({ synced: 3, remaining: 0 })
  })

  it('is waited for within the event where there is time', async () => {
    await many(5)
    engine.answer = (_request, nth) => (engine.sent.length === 1 && nth === 1 ? tooMany() : answering(200))
    const tooMany = () => answering(503, { 'retry-after': '20' })
    const startedAt = engine.time.now()
    expect(await engine.drainFor({ budgetMs: 150_000, eager: false })).toMatchObject({ synced: 5, remaining: 0 })
    expect(engine.sent[1]?.at).toBeGreaterThanOrEqual(startedAt + 20_000)
  })
})

describe('the circuit breaker', () => {
  it('opens after many failures, lets one probe through, and closes with its success', async () => {
    await many(60)
    engine.answer = taking(10, () => answering(500))
    const result = await engine.drain()
    const failed = engine.sent.length
    expect(failed).toBeGreaterThanOrEqual(10)
    expect(failed).toBeLessThan(20)
    expect(result.nextAttemptAt).toBeGreaterThan(engine.time.now())
    // Also in a run of its own, and where the network is said to be back.
    await engine.drain({ eagerBefore: engine.time.now() })
    expect(engine.sent).toHaveLength(failed)

    later(10_000)
    levels = []
    let healed = false
    engine.answer = taking(1_000, () => {
      healed = true
      return answering(200)
    })
    const drained = engine.drain()
    await expect.poll(() => healed).toBe(true)
    expect(levels[0]).toBe(1)
    await drained
    const probe = engine.sent[failed]
    const next = engine.sent[failed + 1]
    expect((next?.at ?? 0) - (probe?.at ?? 0)).toBeGreaterThanOrEqual(1_000)
    expect(engine.sent.length).toBeGreaterThan(failed + 5)
  })

  it('waits longer after a probe that fails', async () => {
    await many(60)
    engine.answer = taking(10, () => answering(500))
    await engine.drain()
    const before = engine.sent.length
    later(4_000)
    await engine.drain()
    expect(engine.sent).toHaveLength(before + 1)
    later(3_900)
    await engine.drain()
    expect(engine.sent).toHaveLength(before + 1)
  })

  it('is of one origin', async () => {
    await many(30)
    await many(5, OTHER, 'other-')
    engine.answer = taking(10, ({ origin }) => answering(origin === OWN_ORIGIN ? 500 : 200))
    expect(await engine.drain()).toMatchObject({ synced: 5 })
  })

  it('does not open for what the server refuses as it is', async () => {
    await many(40)
    engine.answer = taking(10, () => answering(422))
    expect(await engine.drain()).toMatchObject({ failed: 40, remaining: 0 })
  })
})

describe('the retry budget', () => {
  it('keeps retries few while they fail, holds no first attempt back, and drops nothing', async () => {
    await pace({ concurrency: { min: 2, max: 2 } })
    await engine.record(...Array.from({ length: 30 }, (_, index) => ({ url: `/${index}`, attempts: 50 })))
    const failedRetries: number[] = []
    engine.answer = ({ at }, nth) => {
      if (nth > 1 && engine.sent.length < 100) failedRetries.push(at)
      // Neither a failure of the server nor too much for it, so that nothing else slows it down.
      return answering(nth === 1 || engine.sent.length < 100 ? 425 : 200)
    }
    await engine.drain()
    const firstRound = engine.sent.at(-1)?.at ?? 0
    expect(new Set(engine.paths()).size).toBe(30)
    expect(firstRound).toBe(engine.sent[0]?.at)
    for (let round = 0; round < 60 && (await engine.queue()).length > 0; round += 1) {
      await engine.drainFor({ budgetMs: 150_000, eager: false })
      later(1_000)
    }
    expect(await engine.queue()).toEqual([])
    expect(await engine.dead()).toEqual([])
    // Ten a minute always, or a tenth of all of two minutes.
    expect(failedRetries.length).toBeGreaterThan(20)
    for (const from of failedRetries) {
      expect(failedRetries.filter(at => at >= from && at < from + MINUTE).length).toBeLessThanOrEqual(12)
    }
  })
})

describe('pace.delayMs', () => {
  it('rests so long between two requests to an origin', async () => {
    await pace({ delayMs: 1_000, concurrency: { min: 1, max: 1 } })
    await many(4)
    engine.answer = taking(100)
    expect(await engine.drainFor({ budgetMs: 150_000, eager: false })).toMatchObject({ synced: 4, remaining: 0 })
    const times = engine.sent.map(({ at }) => at)
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0))
    expect(gaps).toEqual([1_000, 1_000, 1_000])
  })

  it('keeps no other origin waiting', async () => {
    await pace({ delayMs: 1_000 })
    await many(2)
    await many(2, OTHER, 'other-')
    const startedAt = engine.time.now()
    await engine.drainFor({ budgetMs: 150_000, eager: false })
    expect(sentTo(OTHER).map(({ at }) => at - startedAt)).toEqual([0, 1_000])
    expect(sentTo(OWN_ORIGIN).map(({ at }) => at - startedAt)).toEqual([0, 1_000])
  })
})

describe('one origin and another', () => {
  it('a slow one does not keep a quick one from being sent, once a server has answered', async () => {
    await engine.record('/first')
    await many(20, OTHER, 'slow-')
    await many(20)
    const startedAt = engine.time.now()
    engine.answer = async ({ origin }) => {
      await engine.time.sleep(origin === OTHER ? 10_000 : 10)
      return answering(200)
    }
    await engine.drain()
    expect(Math.max(...sentTo(OWN_ORIGIN).map(({ at }) => at)) - startedAt).toBeLessThan(5_000)
  })

  it('one mutation that the network never lets through closes neither its origin nor another', async () => {
    await engine.record('/poison')
    await many(20)
    engine.answer = ({ path }) => (path === '/poison' ? failing() : answering(200))
    expect(await engine.drain()).toMatchObject({ synced: 20, remaining: 1 })
    for (let round = 0; round < 5; round += 1) {
      later(MINUTE)
      await many(3, OWN_ORIGIN, `round-${round}-`)
      expect(await engine.drain()).toMatchObject({ synced: 3, remaining: 1 })
    }
  })

  it('that answers nothing is left alone for a time that grows, and one request asks again', async () => {
    await many(10)
    engine.answer = failing
    const first = await engine.drain()
    expect(engine.sent).toHaveLength(2)
    const waits: number[] = []
    let { nextAttemptAt } = first
    for (let round = 0; round < 5; round += 1) {
      waits.push((nextAttemptAt ?? 0) - engine.time.now())
      later(MINUTE)
      nextAttemptAt = (await engine.drain()).nextAttemptAt
    }
    expect(waits.every(wait => wait > 0)).toBe(true)
    engine.answer = () => answering(200)
    later(2 * MINUTE)
    expect(await engine.drain()).toMatchObject({ remaining: 0 })
  })
})

describe('a sign of network', () => {
  it('ends the wait for want of a network', async () => {
    await many(5)
    engine.answer = failing
    await engine.drain()
    engine.answer = () => answering(200)
    later(10)
    expect(await engine.drain()).toMatchObject({ synced: 0 })
    expect(await engine.drain({ eagerBefore: engine.time.now() })).toMatchObject({ synced: 5, remaining: 0 })
  })
})
