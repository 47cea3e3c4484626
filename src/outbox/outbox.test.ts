import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Mutation } from '../protocol/mutation.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { type Channel, createChannel } from '../tabs/channel.ts'
import { createAppend } from './append.ts'
import { createDeadLetters, type DeadLetters } from './dead-letters.ts'
import { type MutationInput, prepareMutation } from './mutation-input.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'
import { settledKey } from './settled.ts'
import { takeTurn } from './turn.ts'

let storage: Storage
let channel: Channel
let outbox: Outbox
let deadLetters: DeadLetters
let heard: string[]
let woken: number
let count = 0
let now: number

beforeEach(async () => {
  count += 1
  storage = await openStorage({ name: `outbox-${count}` })
  channel = createChannel(`outbox-${count}`)
  heard = []
  now = Date.parse('2026-11-21T12:00:00Z')
  woken = 0
  channel.onMessage(message => heard.push(message.type))
  const ports = {
    open: async () => storage,
    channel,
    now: () => now,
    subscribe: (fn: () => void) => channel.onMessage(fn),
    wake: () => {
      woken += 1
    },
  }
  outbox = createOutbox(ports)
  deadLetters = createDeadLetters(ports)
})
afterEach(() => {
  channel.close()
  storage.close()
})

async function record(id: string, input: Partial<MutationInput> = {}): Promise<void> {
  const ports = { base: 'https://app.example', now: () => now, newId: () => id, retry: DEFAULT_RETRY }
  await createAppend(storage)(await prepareMutation({ url: `/${id}`, ...input }, ports))
}

const claimOptions = (limit: number) => ({ holder: 'me', now, leaseMs: 1_000, limit, slots: () => limit, turn: 0 })
const settlePorts = { now: () => now, random: Math.random }

async function claim(): Promise<Mutation> {
  const turn = await takeTurn(storage, { ended: [], returned: [], claim: claimOptions(1) }, settlePorts)
  const [claimed] = turn.claim.claimed
  if (!claimed) throw new Error('expected a claim')
  return claimed.mutation
}

async function refuse(): Promise<void> {
  const problem = { type: 'about:blank' }
  const ending = {
    kind: 'refused',
    status: 422,
    message: 'Too long',
    problem,
    costsAttempt: true,
    uncertain: false,
  } as const
  const ended = [{ mutation: await claim(), ending }]
  await takeTurn(storage, { ended, returned: [], claim: claimOptions(0) }, settlePorts)
}

describe('the outbox', () => {
  it('lists plain entries in replay order', async () => {
    await record('a', { json: { n: 1 }, entity: 'note:1', meta: { label: 'x' } })
    await record('b', { method: 'DELETE' })
    const [first, second, ...more] = await outbox.list()
    expect(first).toEqual({
      id: 'a',
      url: 'https://app.example/a',
      method: 'POST',
      entity: 'note:1',
      priority: 0,
      meta: { label: 'x' },
      state: 'waiting',
      createdAt: new Date(now),
      attempts: 0,
      json: { n: 1 },
      body: expect.any(Function),
    })
    expect(second).toMatchObject({ id: 'b', method: 'DELETE' })
    expect(more).toEqual([])
  })

  it('filters by entity, counts, and finds one by its id', async () => {
    await record('a', { entity: 'x' })
    await record('b', { entity: 'y' })
    expect((await outbox.list({ entity: 'y' })).map(({ id }) => id)).toEqual(['b'])
    expect(await outbox.count()).toBe(2)
    expect(await outbox.get('b')).toMatchObject({ id: 'b', entity: 'y' })
    expect(await outbox.get('c')).toBeUndefined()
  })

  it('gives the body as it will be sent, also where it is stored apart', async () => {
    await record('a', { body: 'tide' })
    await record('b', { body: new Blob(['x'.repeat(100_000)], { type: 'image/png' }) })
    const [small, large] = await outbox.list()
    expect(await (await small?.body())?.text()).toBe('tide')
    const blob = await large?.body()
    expect([blob?.size, blob?.type]).toEqual([100_000, 'image/png'])
  })

  it('cancels what waits, with its body, and says so', async () => {
    await record('a', { body: new Blob(['x'.repeat(100_000)]) })
    expect(await outbox.cancel('a')).toBe(true)
    expect(await outbox.count()).toBe(0)
    expect(await storage.blobs.count()).toBe(0)
    expect(await storage.meta.getItem(settledKey('a'))).toMatchObject({ settlement: { kind: 'cancelled' } })
    expect(heard).toEqual(['settled'])
    expect(await outbox.cancel('a')).toBe(false)
  })

  it('says of a write whose sender was killed that it may have arrived', async () => {
    await record('a')
    await claim()
    now += 1_001
    expect(await outbox.get('a')).toMatchObject({ state: 'waiting', attempts: 0, lastError: { code: 'interrupted' } })
  })

  it('does not cancel what is on its way', async () => {
    await record('a')
    await claim()
    expect((await outbox.get('a'))?.state).toBe('sending')
    expect(await outbox.cancel('a')).toBe(false)
    expect(await outbox.count()).toBe(1)
  })
})

describe('dead letters', () => {
  beforeEach(async () => {
    await record('a', { json: { n: 1 }, body: undefined })
    await refuse()
  })

  it('are listed with their reason and everything of the write', async () => {
    expect(await deadLetters.list()).toMatchObject([
      {
        id: 'a',
        json: { n: 1 },
        reason: 'refused',
        status: 422,
        diedAt: new Date(now),
        problem: { type: 'about:blank' },
      },
    ])
    expect(await deadLetters.get('a')).toMatchObject({ id: 'a', lastError: { code: 'status', message: 'Too long' } })
    expect(await deadLetters.get('b')).toBeUndefined()
  })

  it('go back to their old place in the queue, with all attempts before them and the same key', async () => {
    await record('b')
    await deadLetters.retry('a')
    expect(await deadLetters.list()).toEqual([])
    expect(await outbox.list()).toMatchObject([{ id: 'a', attempts: 0, state: 'waiting' }, { id: 'b' }])
    expect(await storage.meta.getItem(settledKey('a'))).toBeNull()
    expect(woken).toBe(1)
    expect(heard).toEqual(['changed'])
    await record('c')
    expect((await outbox.list()).map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  })

  it('go only when a person discards them', async () => {
    await deadLetters.discard('a')
    expect(await deadLetters.list()).toEqual([])
    expect(await outbox.count()).toBe(0)
    expect(heard).toEqual(['changed'])
  })

  it('keep a body that is stored apart until then', async () => {
    await record('b', { body: new Blob(['x'.repeat(100_000)]) })
    await refuse()
    const [, letter] = await deadLetters.list()
    expect((await letter?.body())?.size).toBe(100_000)
    await deadLetters.discard('b')
    expect(await storage.blobs.count()).toBe(0)
  })

  it.each(['retry', 'discard'] as const)('%s says so where there is none', async action => {
    await expect(deadLetters[action]('nope')).rejects.toMatchObject({
      code: 'not-found',
      message: `Failed to ${action} the dead letter: there is none with the id "nope". It may have been retried or discarded in another tab; list() shows what there is.`,
    })
  })
})
