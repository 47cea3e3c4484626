import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Mutation, sizeOf } from '../protocol/mutation.ts'
import { laneOf } from '../protocol/queue-key.ts'
import type { Counters, Tally } from './counters.ts'
import { createEngine, type Engine } from './engine.fixture.ts'
import { resume } from './pause.ts'
import { identify } from './principal.ts'
import { SETTLED_PREFIX, type SettledRecord } from './settled.ts'

let engine: Engine

beforeEach(async () => {
  engine = await createEngine()
})

afterEach(() => engine.close())

/** What is there, by looking at all of it. */
async function realCount(): Promise<Pick<Counters, 'lanes' | 'answers'>> {
  const lanes: Record<string, Tally> = {}
  const of = ({ principal }: Mutation) => {
    lanes[laneOf(principal)] ??= { pending: 0, bytes: 0, held: 0, dead: 0 }
    return lanes[laneOf(principal)] as Tally
  }
  for (const mutation of await engine.queue()) {
    const tally = of(mutation)
    tally.pending += 1
    tally.bytes += sizeOf(mutation)
    tally.held += mutation.held ? 1 : 0
  }
  for (const { mutation } of await engine.dead()) of(mutation).dead += 1
  const keys = (await engine.storage.meta.keys()).filter(key => key.startsWith(SETTLED_PREFIX))
  const answers = await Promise.all(keys.map(key => engine.storage.meta.getItem<SettledRecord>(key)))
  const bytes = answers.reduce((sum, answer) => sum + (answer?.bytes ?? 0), 0)
  return { lanes, answers: { count: keys.length, bytes } }
}

const PEOPLE = [undefined, 'A', 'B'] as const
const person = fc.constantFrom(...PEOPLE)
const outcome = fc.constantFrom(200, 200, 422, 503, 500, 409, 401, 'network' as const)

const step = fc.oneof(
  fc.record({
    do: fc.constant('append' as const),
    who: person,
    entity: fc.constantFrom(undefined, 'x', 'y'),
    size: fc.nat({ max: 40 }),
    apart: fc.boolean(),
    hold: fc.boolean(),
    attempts: fc.constantFrom(1, 8),
  }),
  fc.record({
    do: fc.constant('drain' as const),
    outcomes: fc.array(outcome, { minLength: 1, maxLength: 6 }),
    isKilled: fc.boolean(),
    later: fc.constantFrom(0, 60_000),
  }),
  fc.record({ do: fc.constantFrom('cancel' as const, 'retry' as const, 'discard' as const), nth: fc.nat() }),
  fc.record({ do: fc.constant('retry held' as const), nth: fc.nat() }),
  fc.record({ do: fc.constant('identify' as const), who: person }),
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function take(one: Step, kill: () => void): Promise<void> {
  if (one.do === 'append') {
    const { who, entity, size, apart, hold, attempts } = one
    const body = apart ? new Blob(['x'.repeat(70_000 + size)]) : 'x'.repeat(size)
    const input = {
      url: '/a',
      body,
      attempts,
      ...(entity && { entity }),
      ...(hold && { onUncertain: 'hold' as const }),
    }
    await engine.recordFor({ principal: who }, input)
  }
  if (one.do === 'drain') {
    let next = 0
    engine.answer = () => {
      const code = one.outcomes[next++ % one.outcomes.length]
      if (code === 'network') throw new TypeError('Failed to fetch')
      return Response.json({ id: next }, { status: code ?? 200 })
    }
    engine.time.set(engine.time.now() + one.later)
    await resume(engine.storage)
    if (one.isKilled) kill()
    await engine.drain().catch(() => undefined)
  }
  if (one.do === 'cancel') {
    const queue = await engine.queue()
    const target = queue[one.nth % Math.max(queue.length, 1)]
    if (target) await engine.outbox(target.principal).cancel(target.id)
  }
  if (one.do === 'retry held') {
    const held = (await engine.queue()).filter(mutation => mutation.held)
    const target = held[one.nth % Math.max(held.length, 1)]
    if (target) await engine.outbox(target.principal).retry(target.id)
  }
  if (one.do === 'retry' || one.do === 'discard') {
    const dead = await engine.dead()
    const target = dead[one.nth % Math.max(dead.length, 1)]?.mutation
    if (target) await engine.deadLetters(target.principal)[one.do](target.id)
  }
  if (one.do === 'identify') await identify(engine.storage, one.who)
}

it('are what a count of everything finds, after any sequence of what may happen', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async steps => {
      engine.close()
      engine = await createEngine()
      let turns = Number.POSITIVE_INFINITY
      const { transact } = engine.storage
      // A worker that is killed: whatever it writes from then on never happens.
      engine.ports.storage = {
        ...engine.storage,
        transact: (...args) => (turns-- > 0 ? transact(...args) : Promise.reject(new Error('killed'))),
      }
      for (const one of steps) {
        turns = Number.POSITIVE_INFINITY
        await take(one, () => {
          turns = 2
        })
        const { lanes, answers } = await engine.counters()
        expect({ lanes, answers }).toEqual(await realCount())
      }
    }),
    { numRuns: 60 },
  )
})

it('count what was ever appended, and never count down', async () => {
  await engine.record('/a', '/b')
  await engine.drain()
  expect(await engine.counters()).toMatchObject({ appended: 2, lanes: {} })
  await engine.record('/c')
  expect(await engine.counters()).toMatchObject({ appended: 3 })
})
