import { afterEach, beforeEach, expect, it } from 'vitest'
import { createAppend } from './append.ts'
import type { AppendContext, QueueLimits } from './append-context.ts'
import { createEngine, type Engine, OWN_ORIGIN } from './engine.fixture.ts'
import { type MutationInput, type PreparedMutation, prepareMutation } from './mutation-input.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'

let engine: Engine

beforeEach(async () => {
  engine = await createEngine()
})

afterEach(() => engine.close())

const NONE: QueueLimits = { mutations: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }
const limits = (changes: Partial<QueueLimits>): Partial<AppendContext> => ({ limits: { ...NONE, ...changes } })
const full = { code: 'outbox-full' }

let ids = 0
async function prepared(input: MutationInput): Promise<PreparedMutation> {
  ids += 1
  const id = `given-${ids}`
  const base = OWN_ORIGIN
  const ports = { base, now: () => engine.time.now(), newId: () => id, retry: DEFAULT_RETRY }
  return prepareMutation(input, { ...ports, loadRare: () => import('./rare-input.ts') })
}

it('takes exactly as many as may wait, and then no more', async () => {
  const context = limits({ mutations: 3 })
  await engine.recordFor(context, '/1', '/2', '/3')
  await expect(engine.recordFor(context, '/4')).rejects.toMatchObject(full)
  expect((await engine.queue()).map(({ url }) => new URL(url).pathname)).toEqual(['/1', '/2', '/3'])
  expect(await engine.counters()).toMatchObject({ appended: 3, lanes: { '': { pending: 3 } } })
})

it('takes exactly as many bytes as may wait, and stores nothing of what is beyond, not its body either', async () => {
  const context = limits({ bytes: 100_000 })
  await engine.recordFor(context, { url: '/1', body: 'x'.repeat(30_000) })
  await expect(engine.recordFor(context, { url: '/2', body: 'x'.repeat(70_001) })).rejects.toMatchObject(full)
  expect(await engine.storage.blobs.count()).toBe(0)
  await engine.recordFor(context, { url: '/3', body: 'x'.repeat(70_000) })
  expect(await engine.storage.blobs.count()).toBe(1)
  await engine.recordFor(context, '/empty')
  await expect(engine.recordFor(context, { url: '/4', body: 'x' })).rejects.toMatchObject(full)
  expect(await engine.counters()).toMatchObject({ lanes: { '': { pending: 3, bytes: 100_000 } } })
})

it('stores those of several at once that fit, in their order, and rejects the rest', async () => {
  const append = createAppend(engine.storage, {
    context: () => ({ principal: undefined, limits: { ...NONE, bytes: 10 } }),
  })
  const sizes = [4, 9, 4, 3, 2]
  const items = await Promise.all(sizes.map(size => prepared({ url: `/${size}`, body: 'x'.repeat(size) })))
  const results = await Promise.allSettled(items.map(item => append(item)))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'])
  expect((await engine.queue()).map(({ url }) => new URL(url).pathname)).toEqual(['/4', '/4', '/2'])
  expect(await engine.storage.mutations.count()).toBe(3)
  expect(await engine.counters()).toMatchObject({ appended: 3, lanes: { '': { pending: 3, bytes: 10 } } })
  expect(await engine.drain()).toMatchObject({ synced: 3, remaining: 0 })
})

it('counts what waits of everybody on the device', async () => {
  const context = limits({ mutations: 2 })
  await engine.recordFor({ ...context, principal: 'A' }, '/a')
  await engine.recordFor({ ...context, principal: 'B' }, '/b')
  for (const principal of ['A', 'B', undefined]) {
    await expect(engine.recordFor({ ...context, principal }, '/more')).rejects.toMatchObject(full)
  }
})

it('has room again when something was delivered, cancelled, or became a dead letter', async () => {
  const context = limits({ mutations: 1 })
  for (const status of [200, 422]) {
    await engine.recordFor(context, '/a')
    engine.answer = () => new Response(null, { status })
    await engine.drain()
  }
  const [id = ''] = await engine.recordFor(context, '/a')
  await engine.outbox().cancel(id)
  await engine.recordFor(context, '/a')
})

it('takes what other contexts have recorded into account, which it has not seen', async () => {
  const context = () => ({ principal: undefined, limits: { ...NONE, mutations: 2 } })
  const [one, other] = [createAppend(engine.storage, { context }), createAppend(engine.storage, { context })]
  await one(await prepared({ url: '/1' }))
  await other(await prepared({ url: '/2' }))
  await expect(one(await prepared({ url: '/3' }))).rejects.toMatchObject(full)
  await engine.drain()
  await one(await prepared({ url: '/4' }))
})
