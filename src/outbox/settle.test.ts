import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tallyOf } from './counters.ts'
import { createEngine, type Engine } from './engine.fixture.ts'

let engine: Engine

beforeEach(async () => {
  engine = await createEngine()
})

afterEach(() => engine.close())

const answering = (status: number, headers = {}) => new Response(null, { status, headers })
const tally = async () => tallyOf(await engine.counters(), '')

async function recordSome(): Promise<void> {
  await engine.record(
    { url: '/a1', entity: 'a', onUncertain: 'hold' },
    { url: '/a2', entity: 'a' },
    { url: '/b1', entity: 'b' },
    '/free',
  )
}

describe("onUncertain: 'hold'", () => {
  const uncertain: [string, (path: string) => Response | Promise<Response>][] = [
    ['the network fails', () => Promise.reject(new TypeError('Failed to fetch'))],
    ['the attempt takes too long', () => Promise.reject(new DOMException('late', 'TimeoutError'))],
    ['the server fails', () => answering(500)],
    ['a gateway gives up', () => answering(504)],
    ['a conflict cannot be told from one that is in progress', () => brokenBody(409)],
  ]
  for (const [when, answer] of uncertain) {
    it(`keeps it for a person where ${when}; its entity waits, and others go on`, async () => {
      await recordSome()
      engine.answer = ({ path }) => (path === '/a1' ? answer(path) : answering(200))
      const result = await engine.drainFor({ budgetMs: 60_000, eager: false })
      expect(result).toMatchObject({ synced: 2, failed: 0, remaining: 1 })
      expect(engine.paths().filter(path => path.startsWith('/a'))).toEqual(['/a1'])
      expect(await engine.queue()).toMatchObject([{ held: true, entity: 'a' }, { entity: 'a' }])
      expect(await tally()).toMatchObject({ pending: 2, held: 1, dead: 0 })
      // Nobody comes to it by time, or by a sign of network.
      engine.time.set(engine.time.now() + 24 * 60 * 60 * 1000)
      expect(await engine.drain({ eagerBefore: engine.time.now() })).toMatchObject({ synced: 0, remaining: 1 })
      expect(engine.paths().filter(path => path.startsWith('/a'))).toEqual(['/a1'])
    })
  }

  it('keeps it where the sender was killed in the middle', async () => {
    await recordSome()
    await engine.drainAndDie()
    engine.answer = () => answering(200)
    expect(await engine.drain()).toMatchObject({ synced: 2, remaining: 1 })
    expect(engine.paths().filter(path => path.startsWith('/a'))).toEqual(['/a1'])
    expect(await engine.queue()).toMatchObject([{ held: true, lastError: { code: 'interrupted' } }, {}])
    expect(await tally()).toMatchObject({ pending: 2, held: 1 })
  })

  const certain: [string, (nth: number) => Response][] = [
    ['too many requests', nth => answering(nth === 1 ? 429 : 200)],
    ['a server that is not available', nth => answering(nth === 1 ? 503 : 200)],
    ['an incomplete request', nth => answering(nth === 1 ? 408 : 200)],
  ]
  for (const [what, answer] of certain) {
    it(`tries again as ever after ${what}`, async () => {
      await recordSome()
      engine.answer = ({ path }, nth) => (path === '/a1' ? answer(nth) : answering(200))
      expect(await engine.drainFor({ budgetMs: 60_000, eager: false })).toMatchObject({ synced: 4, remaining: 0 })
      expect(await tally()).toMatchObject({ held: 0 })
    })
  }

  it('is not asked of what was never said so', async () => {
    await engine.record('/a')
    engine.answer = (_request, nth) => answering(nth === 1 ? 500 : 200)
    expect(await engine.drainFor({ budgetMs: 60_000, eager: false })).toMatchObject({ synced: 1 })
  })

  it('sends it again under the same key when a person says so', async () => {
    await recordSome()
    engine.answer = ({ path }, nth) => answering(path === '/a1' && nth === 1 ? 500 : 200)
    await engine.drain()
    const [held] = await engine.queue()
    await engine.outbox().retry(held?.id ?? '')
    expect(await tally()).toMatchObject({ pending: 2, held: 0 })
    expect(await engine.drain()).toMatchObject({ synced: 2, remaining: 0 })
    const keys = engine.sent.filter(({ path }) => path === '/a1').map(({ key }) => key)
    expect(keys).toEqual([`"${held?.id}"`, `"${held?.id}"`])
  })

  it('lets the entity go on when it is cancelled', async () => {
    await recordSome()
    engine.answer = ({ path }) => answering(path === '/a1' ? 500 : 200)
    await engine.drain()
    const [held] = await engine.queue()
    expect(await engine.outbox().cancel(held?.id ?? '')).toBe(true)
    expect(await tally()).toMatchObject({ pending: 1, held: 0 })
    expect(await engine.drain()).toMatchObject({ synced: 1, remaining: 0 })
    expect(engine.paths().at(-1)).toBe('/a2')
  })
})

function brokenBody(status: number): Response {
  const body = new ReadableStream({ pull: controller => controller.error(new TypeError('broken')) })
  return new Response(body, { status })
}
