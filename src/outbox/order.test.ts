import 'fake-indexeddb/auto'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { type Channel, createChannel } from '../tabs/channel.ts'
import { createAppend } from './append.ts'
import { createDeadLetters } from './dead-letters.ts'
import { drain } from './drain.ts'
import { type MutationInput, prepareMutation } from './mutation-input.ts'
import { createOutbox } from './outbox.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'

let storage: Storage
let channel: Channel
let clock: number
let started: string[]
let inFlight: Set<string>
/** By id; what is not here is 200 at once. */
let answers: Map<string, number>
let answerLater: (() => void)[] | undefined
let count = 0

beforeEach(() => setUp())
afterEach(() => tearDown())

async function setUp(): Promise<void> {
  count += 1
  storage = await openStorage({ name: `order-${count}` })
  channel = createChannel(`order-${count}`)
  clock = Date.parse('2026-11-21T12:00:00Z')
  started = []
  inFlight = new Set()
  answers = new Map()
  answerLater = undefined
}

function tearDown(): void {
  channel.close()
  storage.close()
}

async function record(id: string, input: Partial<MutationInput> = {}): Promise<void> {
  const ports = {
    base: 'https://app.example',
    now: () => clock,
    newId: () => id,
    retry: DEFAULT_RETRY,
    loadRare: () => import('./rare-input.ts'),
  }
  await createAppend(storage, { now: () => clock })(await prepareMutation({ url: `/${id}`, ...input }, ports))
}

async function fetch(url: string | URL | Request): Promise<Response> {
  const id = new URL(String(url)).pathname.slice(1)
  started.push(id)
  inFlight.add(id)
  if (answerLater) await new Promise<void>(resolve => answerLater?.push(resolve))
  inFlight.delete(id)
  return new Response(null, { status: answers.get(id) ?? 200 })
}

function run() {
  const origin = 'https://app.example'
  const ports = {
    storage,
    channel,
    fetch,
    origin,
    now: () => clock,
    random: () => 0.999,
    isOnline: () => true,
    holder: 'me',
  }
  const timeout = (delayMs: number) => AbortSignal.timeout(delayMs)
  const sleep = () => new Promise<void>(() => undefined)
  return drain({ ...ports, timeout, sleep }, { deadline: clock + 150_000, eagerBefore: 0, exclusive: true })
}

const never = () => new Promise<never>(() => undefined)
const people = () => ({
  open: async () => storage,
  channel,
  now: () => clock,
  subscribe: () => () => undefined,
  principal: () => undefined,
  settledOf: never,
  wake: () => undefined,
  newId: () => 'edited',
})
const outbox = () => createOutbox(people())
const deadLetters = () => createDeadLetters(people())
const stateOf = async (id: string) => (await outbox().get(id))?.state

describe('several at a time', () => {
  it('sends different entities side by side, and never two of one', async () => {
    for (const entity of ['a', 'b', 'c']) {
      await record(`${entity}1`, { entity })
      await record(`${entity}2`, { entity })
    }
    // The first answer says that there is a network; until then one request asks.
    await record('z')
    let most = 0
    const seen: string[][] = []
    answerLater = []
    const done = run()
    while (seen.flat().length < 7) {
      await expect.poll(() => answerLater?.length).toBeGreaterThan(0)
      seen.push([...inFlight])
      most = Math.max(most, inFlight.size)
      for (const entity of ['a', 'b', 'c'])
        expect([...inFlight].filter(id => id.startsWith(entity)).length).toBeLessThan(2)
      for (const answer of answerLater.splice(0)) answer()
      await expect.poll(() => inFlight.size === 0 || (answerLater?.length ?? 0) > 0).toBe(true)
      if (started.length === 7 && inFlight.size === 0) break
    }
    expect(await done).toMatchObject({ synced: 7, remaining: 0 })
    expect(most).toBeGreaterThan(1)
    for (const entity of ['a', 'b', 'c']) {
      expect(started.indexOf(`${entity}1`)).toBeLessThan(started.indexOf(`${entity}2`))
    }
  })
})

describe('priorities', () => {
  it('go first, then age', async () => {
    await record('old')
    await record('low', { priority: -5 })
    await record('high', { priority: 5 })
    await record('high too', { url: '/high-too', priority: 5 })
    await run()
    expect(started).toEqual(['high', 'high-too', 'old', 'low'])
  })

  it('do not break the order within an entity', async () => {
    await record('a1', { entity: 'a' })
    await record('a2', { entity: 'a', priority: 100 })
    await record('b1', { priority: 50 })
    await run()
    expect(started.indexOf('a1')).toBeLessThan(started.indexOf('a2'))
    expect(started[0]).toBe('b1')
  })

  it('starve nobody: under a flood of high ones, the oldest low one is among every eight', async () => {
    await record('low', { priority: -100 })
    for (let index = 0; index < 40; index += 1) await record(`high-${index}`, { priority: 100 })
    await run()
    expect(started.indexOf('low')).toBeLessThan(8)
  })
})

describe('dependencies', () => {
  it('are sent first, over entities, and released by their confirmation', async () => {
    await record('parent', { priority: -10 })
    await record('child', { dependsOn: ['parent'], priority: 10 })
    await record('grandchild', { dependsOn: ['child', 'parent'], priority: 20 })
    expect(await stateOf('child')).toBe('blocked')
    expect(await run()).toMatchObject({ synced: 3 })
    expect(started).toEqual(['parent', 'child', 'grandchild'])
  })

  it('that are confirmed already, or were never here, hold nothing up', async () => {
    await record('parent')
    await run()
    await record('child', { dependsOn: ['parent', 'unknown'] })
    expect(await run()).toMatchObject({ synced: 1, remaining: 0 })
  })

  it('that die park their dependants with the reason, and release them when they are retried', async () => {
    await record('parent')
    await record('child', { dependsOn: ['parent'] })
    answers.set('parent', 422)
    expect(await run()).toMatchObject({ synced: 0, failed: 1, remaining: 1 })
    expect(await outbox().get('child')).toMatchObject({
      state: 'blocked',
      blockedBy: { id: 'parent', reason: 'parent-dead' },
    })
    await record('late child', { url: '/late', dependsOn: ['parent'] })
    expect(await outbox().get('late child')).toMatchObject({ blockedBy: { reason: 'parent-dead' } })

    answers.clear()
    await deadLetters().retry('parent')
    expect((await outbox().get('child'))?.blockedBy).toBeUndefined()
    expect(await run()).toMatchObject({ synced: 3, remaining: 0 })
    expect(started).toEqual(['parent', 'parent', 'child', 'late'])
  })

  it('that were cancelled days ago are not taken for confirmed', async () => {
    await record('parent')
    await record('other')
    await outbox().cancel('parent')
    clock += 3 * 24 * 60 * 60 * 1000
    // A run that confirms something forgets old answers.
    expect(await run()).toMatchObject({ synced: 1 })
    await record('child', { dependsOn: ['parent'] })
    expect(await run()).toMatchObject({ synced: 0, remaining: 1 })
    expect(await outbox().get('child')).toMatchObject({ blockedBy: { id: 'parent', reason: 'parent-cancelled' } })
  })

  it('that are cancelled park their dependants with the reason', async () => {
    await record('parent')
    await record('child', { dependsOn: ['parent'] })
    expect(await outbox().cancel('parent')).toBe(true)
    expect(await run()).toMatchObject({ synced: 0, remaining: 1 })
    expect(await outbox().get('child')).toMatchObject({ blockedBy: { id: 'parent', reason: 'parent-cancelled' } })
    await record('late child', { dependsOn: ['parent'] })
    expect(await outbox().get('late child')).toMatchObject({ blockedBy: { reason: 'parent-cancelled' } })
  })
})

describe('schedules', () => {
  it('send nothing before its time', async () => {
    await record('later', { notBefore: new Date(clock + 60_000) })
    expect(await run()).toMatchObject({ synced: 0, remaining: 1, nextAttemptAt: clock + 60_000 })
    clock += 60_000
    expect(await run()).toMatchObject({ synced: 1, remaining: 0 })
  })

  it('hold the rest of the entity back, and nothing else', async () => {
    await record('a1', { entity: 'a', notBefore: new Date(clock + 60_000) })
    await record('a2', { entity: 'a' })
    await record('b1')
    await run()
    expect(started).toEqual(['b1'])
    clock += 60_000
    await run()
    expect(started).toEqual(['b1', 'a1', 'a2'])
  })

  it('make a dead letter of what is too late, and never drop it', async () => {
    await record('a1', { entity: 'a', expiresAt: new Date(clock + 1_000) })
    await record('a2', { entity: 'a' })
    clock += 1_001
    expect(await run()).toMatchObject({ synced: 1, failed: 1, remaining: 0 })
    expect(await deadLetters().list()).toMatchObject([{ id: 'a1', reason: 'expired' }])
    expect(started).toEqual(['a2'])
  })
})

it('cancelling the first of an entity lets the next one go', async () => {
  await record('a1', { entity: 'a' })
  await record('a2', { entity: 'a' })
  await outbox().cancel('a1')
  expect(await run()).toMatchObject({ synced: 1, remaining: 0 })
  expect(started).toEqual(['a2'])
})

it('retrying a dead letter puts it before what waits of its entity, as the calls were', async () => {
  await record('a1', { entity: 'a' })
  answers.set('a1', 422)
  await run()
  answers.clear()
  await record('a2', { entity: 'a', notBefore: new Date(clock + 1_000) })
  await record('a3', { entity: 'a', dependsOn: ['a1'] })
  await deadLetters().retry('a1')
  await run()
  clock += 1_000
  await run()
  expect(started).toEqual(['a1', 'a1', 'a2', 'a3'])
})

it('retrying a dead letter does not call back what is on its way', async () => {
  await record('a1', { entity: 'a' })
  answers.set('a1', 422)
  await run()
  answers.clear()
  await record('a2', { entity: 'a' })
  answerLater = []
  answers.set('a2', 503)
  const done = run()
  await expect.poll(() => started).toEqual(['a1', 'a2'])
  await deadLetters().retry('a1')
  expect(await stateOf('a1')).toBe('waiting')
  const answer = answerLater.splice(0)
  answerLater = undefined
  for (const one of answer) one()
  await done
  answers.clear()
  clock += 60_000
  await run()
  expect(started).toEqual(['a1', 'a2', 'a1', 'a2'])
  expect(await outbox().count()).toBe(0)
})

it('retrying several dead letters, newest first, never sends two of an entity at once', async () => {
  for (const id of ['a1', 'a2']) {
    await record(id, { entity: 'a' })
    answers.set(id, 422)
  }
  await run()
  answers.clear()
  await record('a3', { entity: 'a' })
  await record('a4', { entity: 'a' })
  answerLater = []
  const done = run()
  await expect.poll(() => [...inFlight]).toEqual(['a3'])
  await deadLetters().retry('a2')
  await deadLetters().retry('a1')
  await outbox().cancel('a4')
  const inLine = await storage.mutations.range<{ id: string; key: string }>()
  expect(inLine.filter(({ key }) => key.startsWith('1|'))).toEqual([])
  const [answer] = answerLater
  answerLater = undefined
  answer?.()
  await done
  await run()
  expect(started.slice(2)).toEqual(['a3', 'a1', 'a2'])
  expect(await outbox().count()).toBe(0)
})

it('discarding a dead letter tells its dependants, those to come too', async () => {
  await record('parent')
  await record('child', { dependsOn: ['parent'] })
  answers.set('parent', 422)
  await run()
  await deadLetters().discard('parent')
  expect(await outbox().get('child')).toMatchObject({ blockedBy: { id: 'parent', reason: 'parent-cancelled' } })
  await record('late child', { dependsOn: ['parent'] })
  expect(await outbox().get('late child')).toMatchObject({ blockedBy: { reason: 'parent-cancelled' } })
})

it('any mix: each entity in the order of its calls, parents before children, everything ends', async () => {
  const one = fc.record({
    entity: fc.constantFrom(undefined, 'a', 'b', 'c'),
    priority: fc.integer({ min: -2, max: 2 }),
    parent: fc.option(fc.nat({ max: 30 }), { nil: undefined }),
    delay: fc.constantFrom(0, 0, 0, 5_000),
    statuses: fc.array(fc.constantFrom(200, 503), { maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(one, { maxLength: 25 }), async mutations => {
      tearDown()
      await setUp()
      const order: { id: string; status: number }[] = []
      const script = new Map(mutations.map(({ statuses }, index) => [`m${index}`, [...statuses]]))
      const answer = async (url: string | URL | Request) => {
        const id = new URL(String(url)).pathname.slice(1)
        const status = script.get(id)?.shift() ?? 200
        order.push({ id, status })
        return new Response(null, { status })
      }
      for (const [index, { entity, priority, parent, delay }] of mutations.entries()) {
        const dependsOn = parent !== undefined && parent < index ? [`m${parent}`] : []
        const notBefore = delay > 0 ? new Date(clock + delay) : undefined
        await record(`m${index}`, { entity, priority, dependsOn, ...(notBefore && { notBefore }) })
      }
      const ports = { storage, channel, fetch: answer, now: () => clock, random: () => 0.5, isOnline: () => true }
      const sleep = () => new Promise<void>(() => undefined)
      const rest = {
        holder: 'me',
        origin: 'https://app.example',
        sleep,
        timeout: (delayMs: number) => AbortSignal.timeout(delayMs),
      }
      for (let round = 0; round < 12; round += 1) {
        await drain({ ...ports, ...rest }, { deadline: clock + 20_000, eagerBefore: 0, exclusive: true })
        clock += 60_000
      }
      expect(await storage.mutations.count()).toBe(0)
      const done = order.filter(({ status }) => status === 200).map(({ id }) => id)
      expect([...done].sort()).toEqual(mutations.map((_, index) => `m${index}`).sort())
      const place = (index: number) => done.indexOf(`m${index}`)
      for (const [index, { entity, parent }] of mutations.entries()) {
        if (parent !== undefined && parent < index) expect(place(parent)).toBeLessThan(place(index))
        const before = mutations.slice(0, index).findLastIndex(other => entity !== undefined && other.entity === entity)
        if (before >= 0) expect(place(before)).toBeLessThan(place(index))
      }
    }),
    { numRuns: 40 },
  )
})
