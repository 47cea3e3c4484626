import 'fake-indexeddb/auto'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Mutation, sizeOf } from '../protocol/mutation.ts'
import { placeOf } from '../protocol/queue-range.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { createAppend } from './append.ts'
import { writeCoalescing } from './append-coalescing.ts'
import { type AppendContext, ofNobody } from './append-context.ts'
import { changeQueue } from './change-queue.ts'
import { COUNTERS_KEY, type Counters } from './counters.ts'
import { type MutationInput, type PreparedMutation, prepareMutation } from './mutation-input.ts'
import { move, takeOut } from './queue-moves.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'
import { settledKey } from './settled.ts'

const NOW = 1_000
const NOTES = 'https://app.example/api/notes'
const NOTE = `${NOTES}/n1`

let storage: Storage
let context: AppendContext
let count = 0

beforeEach(async () => {
  count += 1
  storage = await openStorage({ name: `coalescing-${count}` })
  context = ofNobody()
})

async function prepared(id: string, input: MutationInput): Promise<PreparedMutation> {
  const loadRare = () => import('./rare-input.ts')
  const ports = { base: 'https://app.example/', now: () => NOW, newId: () => id, retry: DEFAULT_RETRY, loadRare }
  return prepareMutation(input, ports)
}

/** The way of the page: through `append`, which loads the writer. */
const appendAll = (items: PreparedMutation[]) => {
  const options = { now: () => NOW, context: () => context, loadCoalescing: async () => writeCoalescing }
  const append = createAppend(storage, options)
  return Promise.all(items.map(append))
}

async function append(id: string, input: MutationInput) {
  const [appended] = await appendAll([await prepared(id, input)])
  return appended
}

const create = (parts: Partial<MutationInput> = {}): MutationInput => ({
  url: NOTES,
  json: { id: 'n1', title: 'Fern' },
  entity: 'note:n1',
  ...parts,
})
const patch = (json: unknown, parts: Partial<MutationInput> = {}): MutationInput => ({
  ...{ url: NOTE, method: 'PATCH', json, entity: 'note:n1', coalesce: 'merge' },
  ...parts,
})
const remove = (parts: Partial<MutationInput> = {}): MutationInput => ({
  ...{ url: NOTE, method: 'DELETE', entity: 'note:n1', coalesce: 'merge' },
  ...parts,
})

const queue = () => storage.mutations.range<Mutation>()
const find = async (id: string) => (await queue()).find(mutation => mutation.id === id)
const jsonOf = (mutation: Mutation | undefined) =>
  mutation?.body.kind === 'json' ? JSON.parse(mutation.body.text) : undefined
const counters = async () => (await storage.meta.getItem<Counters>(COUNTERS_KEY)) as Counters
const settlementOf = async (id: string) =>
  (await storage.meta.getItem<{ settlement: unknown }>(settledKey(id)))?.settlement

async function expectCounted(appended: number): Promise<void> {
  const waiting = await queue()
  const { lanes, appended: counted } = await counters()
  const bytes = waiting.reduce((sum, mutation) => sum + sizeOf(mutation), 0)
  expect(counted).toBe(appended)
  expect(lanes).toEqual(waiting.length === 0 ? {} : { '': { pending: waiting.length, bytes, held: 0, dead: 0 } })
}

/** Puts a lease on it, as a claim does. */
async function claim(id: string): Promise<void> {
  await changeQueue(storage, async queue => {
    const mutation: Mutation = await queue.tx.objectStore('mutations').index('id').get(id)
    const lease = { holder: 'me', token: mutation.fence + 1, until: NOW + 60_000 }
    await move(queue, { ...mutation, fence: lease.token, lease }, { in: 'sending' })
  })
}

async function confirm(id: string, body: unknown = undefined): Promise<void> {
  await changeQueue(storage, async queue => {
    const mutation: Mutation = await queue.tx.objectStore('mutations').index('id').get(id)
    await takeOut(queue, mutation, { kind: 'confirmed', body }, NOW)
  })
}

describe('joining with what waits', () => {
  it('merges patches, keeps the place, and gives the id of the one that carries both', async () => {
    await append('a', patch({ title: 'Fern' }))
    await append('other', { url: NOTES, json: 1 })
    const before = await find('a')
    expect(await append('b', patch({ text: 'By the wall' }))).toEqual({ id: 'a', ended: [] })
    expect(await find('a')).toEqual({
      ...before,
      body: { kind: 'json', text: '{"title":"Fern","text":"By the wall"}' },
    })
    expect((await queue()).map(({ id }) => id)).toEqual(['a', 'other'])
    await expectCounted(2)
  })

  it('joins within one transaction, too', async () => {
    const inputs = [create(), patch({ a: 1 }), patch({ b: 2 }), { url: NOTES, json: 2 }, patch({ c: 3 })]
    const items = await Promise.all(inputs.map((input, index) => prepared(`m${index}`, input)))
    const appended = await appendAll(items)
    expect(appended.map(({ id }) => id)).toEqual(['m0', 'm0', 'm0', 'm3', 'm0'])
    expect(jsonOf(await find('m0'))).toEqual({ id: 'n1', title: 'Fern', a: 1, b: 2, c: 3 })
    await expectCounted(2)
  })

  it('joins only with the last of its entity, wherever in the queue that is', async () => {
    await append('a', patch({ a: 1 }))
    await claim('a')
    expect(await append('b', patch({ b: 1 }))).toEqual({ id: 'b', ended: [] })
    expect(placeOf((await find('b'))?.key ?? '')).toBe('blocked')
    expect(await append('c', patch({ c: 1 }))).toEqual({ id: 'b', ended: [] })
    await append('d', { url: `${NOTE}/publish`, entity: 'note:n1' })
    expect(await append('e', patch({ e: 1 }))).toEqual({ id: 'e', ended: [] })
    expect((await queue()).map(({ id }) => id)).toEqual(['a', 'b', 'd', 'e'])
    await confirm('a')
    expect(placeOf((await find('b'))?.key ?? '')).toBe('ready')
    await expectCounted(4)
  })

  it.each<[string, Partial<Mutation>]>([
    ['was claimed once', { fence: 1 }],
    ['is held', { held: true }],
    ['waits for its next attempt', { nextAttemptAt: NOW + 1 }],
  ])('leaves alone what %s', async (_what, parts) => {
    await append('a', patch({ a: 1 }))
    const waiting = (await find('a')) as Mutation
    await storage.mutations.setItem(waiting.key, { ...waiting, ...parts })
    expect(await append('b', patch({ b: 1 }))).toEqual({ id: 'b', ended: [] })
    expect(jsonOf(await find('a'))).toEqual({ a: 1 })
  })

  it('does not join what does not ask for it, nor the things of two people', async () => {
    await append('a', patch({ a: 1 }))
    expect(await append('b', patch({ b: 1 }, { coalesce: false }))).toMatchObject({ id: 'b' })
    context = { ...context, principal: 'ada' }
    expect(await append('c', patch({ c: 1 }))).toMatchObject({ id: 'c' })
    expect(await append('d', patch({ d: 1 }))).toMatchObject({ id: 'c' })
    expect((await counters()).lanes).toMatchObject({ '': { pending: 2 }, '@ada|': { pending: 1 } })
  })

  it('stores a body that is apart, and drops the one whose place it took', async () => {
    const put = (fill: string): MutationInput => ({
      ...{ url: NOTE, method: 'PUT', json: fill.repeat(70_000), entity: 'note:n1', coalesce: 'replace' },
    })
    await append('a', put('a'))
    await append('b', put('bc'))
    expect(await storage.blobs.keys()).toEqual(['body:b'])
    expect(await find('a')).toMatchObject({ body: { kind: 'apart', blobKey: 'body:b', size: 140_002 } })
    await expectCounted(1)
    await append('c', { ...put(''), json: 'short' })
    expect(await storage.blobs.keys()).toEqual([])
    expect(jsonOf(await find('a'))).toBe('short')
    await expectCounted(1)
  })
})

describe('a creation and its deletion', () => {
  it('cancel each other out, for whoever waits for either', async () => {
    await append('a', create())
    await append('photo', { url: '/api/photos', dependsOn: ['a'] })
    expect(await append('b', remove())).toEqual({ id: 'b', ended: ['a', 'b'] })
    for (const id of ['a', 'b']) expect(await settlementOf(id)).toEqual({ kind: 'cancelled' })
    expect(await find('photo')).toMatchObject({ waitsFor: ['a'], blockedBy: { id: 'a', reason: 'parent-cancelled' } })
    for (const id of ['a', 'b']) {
      await append(`after-${id}`, { url: '/api/photos', dependsOn: [id] })
      expect(await find(`after-${id}`)).toMatchObject({ blockedBy: { id, reason: 'parent-cancelled' } })
    }
    await expectCounted(4)
    expect((await counters()).answers.count).toBe(2)
  })

  it('let go nobody, and leave nothing behind', async () => {
    await append('a', create({ json: { id: 'n1', text: 'x'.repeat(70_000) } }))
    expect(await append('b', remove())).toMatchObject({ id: 'b', ended: [] })
    await append('c', create({ coalesce: 'merge', headers: { 'x-a': 'b' } }))
    expect(await append('d', remove({ headers: { 'x-a': 'b' } }))).toMatchObject({ ended: ['c', 'd'] })
    expect((await queue()).map(({ id }) => id)).toEqual(['a', 'b'])
    expect(await storage.blobs.keys()).toEqual(['body:a'])
    await expectCounted(3)
  })

  it('in one transaction', async () => {
    const items = await Promise.all([prepared('a', create()), prepared('b', remove()), prepared('c', create())])
    expect(await appendAll(items)).toEqual([
      { id: 'a', ended: [] },
      { id: 'b', ended: ['a', 'b'] },
      { id: 'c', ended: [] },
    ])
    expect((await queue()).map(({ id, sequence }) => [id, sequence])).toEqual([['c', 2]])
    await expectCounted(2)
  })
})

describe('limits', () => {
  it('refuse what would be too much, with nothing of it kept', async () => {
    context = { ...context, limits: { mutations: 1, bytes: 30 } }
    await append('a', patch({ a: 1 }))
    const full = await append('b', patch({ b: 1 }, { coalesce: 'merge', priority: 1 })).catch((error: unknown) => error)
    expect(full).toMatchObject({ code: 'outbox-full' })
    await expect(append('c', patch({ c: 'x'.repeat(30) }))).rejects.toMatchObject({ code: 'outbox-full' })
    expect(jsonOf(await find('a'))).toEqual({ a: 1 })
    expect(await append('d', patch({ d: 1 }))).toMatchObject({ id: 'a' })
    await expectCounted(1)
  })

  it('do not refuse what makes less of it, also where there is too much', async () => {
    await append('z', patch({ z: 1 }, { entity: 'note:n2' }))
    await append('a', create())
    context = { ...context, limits: { mutations: 1, bytes: 1 } }
    expect(await append('b', patch({ title: 'Elm' }))).toMatchObject({ id: 'a' })
    expect(await append('c', remove())).toMatchObject({ ended: ['a', 'c'] })
    await expectCounted(2)
  })

  it('refuse one of a group, and not the others', async () => {
    context = { ...context, limits: { mutations: 1, bytes: 1_000 } }
    const inputs = [patch({ a: 1 }), { url: NOTES, json: 1 }, patch({ b: 1 })]
    const items = await Promise.all(inputs.map((input, index) => prepared(`m${index}`, input)))
    const options = { now: () => NOW, context: () => context, loadCoalescing: async () => writeCoalescing }
    const appendOne = createAppend(storage, options)
    const results = await Promise.allSettled(items.map(appendOne))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(jsonOf(await find('m0'))).toEqual({ a: 1, b: 1 })
    await expectCounted(1)
  })
})

describe('what depends on a mutation that another one took in', () => {
  const dependant = (id: string): MutationInput => ({
    url: `/api/notes/{ref:${id}#/id}/tags`,
    headers: { 'if-match': `{ref:${id}#/etag}` },
    json: { note: { $ref: [id, '/id'] }, text: `{"$ref":["${id}",` },
    // A group that coalesces nothing takes another way.
    entity: 'tags',
    coalesce: 'merge',
  })

  it.each(['in the same transaction', 'later'])('waits for the one that carries it: %s', async when => {
    const items = await Promise.all([
      prepared('a', patch({ a: 1 })),
      prepared('b', patch({ b: 1 })),
      prepared('tag', dependant('b')),
    ])
    if (when === 'later') for (const item of items) await appendAll([item])
    else await appendAll(items)
    expect(await find('tag')).toMatchObject({
      waitsFor: ['a'],
      url: 'https://app.example/api/notes/{ref:a#/id}/tags',
      references: [
        ['a', '/id'],
        ['a', '/etag'],
      ],
    })
    expect((await find('tag'))?.headers).toContainEqual(['if-match', '{ref:a#/etag}'])
    expect(jsonOf(await find('tag'))).toEqual({ note: { $ref: ['a', '/id'] }, text: '{"$ref":["b",' })
    await claim('a')
    await confirm('a', { id: 7, etag: 'v1' })
    const tag = await find('tag')
    expect(tag).toMatchObject({ answers: { a: { '/id': 7, '/etag': 'v1' } } })
    expect(tag).not.toHaveProperty('waitsFor')
    expect(placeOf(tag?.key ?? '')).toBe('ready')
  })

  it('also with a body that is apart', async () => {
    await append('a', patch({ a: 1 }))
    await append('b', patch({ b: 1 }))
    await append('tag', { ...dependant('b'), json: ['x'.repeat(70_000), { $ref: ['b', '/id'] }] })
    expect(await storage.blobs.getItem('body:tag')).toMatch(/\{"\$ref":\["a","\/id"\]\}\]$/)
  })

  it('is told when that one is lost', async () => {
    await append('a', patch({ a: 1 }))
    await append('b', patch({ b: 1 }))
    const waiting = (await find('a')) as Mutation
    await changeQueue(storage, async queue => {
      await takeOut(queue, waiting, { kind: 'dead' }, NOW)
      await queue.tx.objectStore('dead').put({ mutation: waiting, reason: 'refused', diedAt: NOW }, 'a')
    })
    await append('tag', { url: '/api/tags', dependsOn: ['b'], entity: 'tags', coalesce: 'merge' })
    expect(await find('tag')).toMatchObject({ waitsFor: ['a'], blockedBy: { id: 'a', reason: 'parent-dead' } })
  })

  it('finds an answer that is on record, and keeps it', async () => {
    await append('a', patch({ a: 1 }))
    await append('b', patch({ b: 1 }))
    await confirm('a')
    const settlement = { kind: 'confirmed', status: 200, headers: {}, body: { id: 7, etag: 'v1' } }
    await storage.meta.setItem(settledKey('a'), { at: NOW, settlement })
    await append('tag', dependant('b'))
    const tag = await find('tag')
    expect(tag).toMatchObject({ answers: { a: { '/id': 7, '/etag': 'v1' } } })
    expect(placeOf(tag?.key ?? '')).toBe('ready')
  })

  it('is remembered for the last thousand', async () => {
    const old = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`absorbed:${1_000 + index}`, 'x']))
    await storage.write(['meta'], tx => {
      for (const [key, by] of Object.entries(old)) tx.objectStore('meta').put(by, key)
    })
    await append('a', patch({ a: 1 }))
    await append('b', patch({ b: 1 }))
    const keys = (await storage.meta.keys()).filter(key => key.startsWith('absorbed:'))
    expect(keys).toHaveLength(1_000)
    expect(keys).not.toContain('absorbed:1000')
    expect(keys).toContain('absorbed:b')
  })
})
