import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { COUNTERS_KEY, NO_COUNTERS } from './counters.ts'
import { CONFIRMED, createDevice, type Device, REFUSED, UNCERTAIN } from './dead-letters.fixture.ts'
import { settledKey } from './settled.ts'

let device: Device

beforeEach(async () => {
  device = await createDevice()
})
afterEach(() => device.close())

const ids = async () => (await device.outbox.list()).map(({ id }) => id)

describe('the outbox', () => {
  it('lists plain entries in replay order', async () => {
    await device.record('a', { json: { n: 1 }, entity: 'note:1', meta: { label: 'x' } })
    await device.record('b', { method: 'DELETE' })
    await device.record('c', { priority: 1 })
    const [urgent, first, second, ...more] = await device.outbox.list()
    expect(urgent).toMatchObject({ id: 'c' })
    expect(first).toEqual({
      id: 'a',
      url: 'https://app.example/a',
      method: 'POST',
      entity: 'note:1',
      priority: 0,
      meta: { label: 'x' },
      state: 'waiting',
      createdAt: new Date(device.now),
      attempts: 0,
      json: { n: 1 },
      body: expect.any(Function),
    })
    expect(second).toMatchObject({ id: 'b', method: 'DELETE' })
    expect(more).toEqual([])
  })

  it('lists what is anywhere in the queue, each once', async () => {
    await device.record('sent', { entity: 'x' })
    await device.record('behind', { entity: 'x' })
    await device.record('later', { notBefore: new Date(device.now + 1_000) })
    await device.record('ready')
    await device.attempt()
    expect(await ids()).toEqual(['sent', 'behind', 'later', 'ready'])
  })

  it('filters by entity, counts, and finds one by its id', async () => {
    await device.record('a', { entity: 'x' })
    await device.record('b', { entity: 'y' })
    expect((await device.outbox.list({ entity: 'y' })).map(({ id }) => id)).toEqual(['b'])
    expect(await device.outbox.count()).toBe(2)
    expect(await device.outbox.get('b')).toMatchObject({ id: 'b', entity: 'y' })
    expect(await device.outbox.get('c')).toBeUndefined()
  })

  it('counts without reading what waits', async () => {
    await device.storage.meta.setItem(COUNTERS_KEY, {
      ...NO_COUNTERS,
      lanes: { '': { pending: 41, bytes: 0, held: 0, dead: 0 } },
    })
    expect(await device.outbox.count()).toBe(41)
  })

  it('gives the body as it will be sent, also where it is stored apart', async () => {
    await device.record('a', { body: 'tide' })
    await device.record('b', { body: new Blob(['x'.repeat(100_000)], { type: 'image/png' }) })
    const [small, large] = await device.outbox.list()
    expect(await (await small?.body())?.text()).toBe('tide')
    const blob = await large?.body()
    expect([blob?.size, blob?.type]).toEqual([100_000, 'image/png'])
  })

  it('cancels what waits, with its body, and says so', async () => {
    await device.record('a', { body: new Blob(['x'.repeat(100_000)]) })
    expect(await device.outbox.cancel('a')).toBe(true)
    expect(await device.outbox.count()).toBe(0)
    expect(await device.storage.blobs.count()).toBe(0)
    expect(await device.storage.meta.getItem(settledKey('a'))).toMatchObject({ settlement: { kind: 'cancelled' } })
    expect(device.heard).toEqual(['settled'])
    expect(await device.outbox.cancel('a')).toBe(false)
  })

  it('says of a write whose sender was killed that it may have arrived', async () => {
    await device.record('a')
    await device.attempt()
    device.now += 1_001
    const entry = { state: 'waiting', attempts: 0, lastError: { code: 'interrupted' } }
    expect(await device.outbox.get('a')).toMatchObject(entry)
  })

  it('does not cancel what is on its way', async () => {
    await device.record('a')
    await device.attempt()
    expect((await device.outbox.get('a'))?.state).toBe('sending')
    expect(await device.outbox.cancel('a')).toBe(false)
    expect(await device.outbox.count()).toBe(1)
  })
})

describe('the outbox of several people', () => {
  beforeEach(async () => {
    await device.record('nobodys', { entity: 'note:1' })
    await device.identify('ada')
    await device.record('adas-1', { entity: 'note:1' })
    await device.record('adas-2')
    await device.identify('ada|lovelace')
    await device.record('hers', { entity: 'note:1' })
  })

  it.each([
    [undefined, ['nobodys']],
    ['ada', ['adas-1', 'adas-2']],
    ['ada|lovelace', ['hers']],
    ['ad', []],
  ])('shows %j what is theirs', async (principal, expected) => {
    await device.identify(principal)
    expect(await ids()).toEqual(expected)
    expect(await device.outbox.count()).toBe(expected.length)
    for (const id of ['nobodys', 'adas-1', 'adas-2', 'hers']) {
      expect((await device.outbox.get(id))?.id).toBe(expected.find(own => own === id))
    }
  })

  it('calls an entity as the app called it', async () => {
    await device.identify('ada')
    expect((await device.outbox.get('adas-1')) ?? {}).toMatchObject({ entity: 'note:1' })
    expect((await device.outbox.list({ entity: 'note:1' })).map(({ id }) => id)).toEqual(['adas-1'])
  })

  it('neither cancels nor sends again what is of somebody else', async () => {
    expect(await device.outbox.cancel('adas-1')).toBe(false)
    await device.identify('ada')
    await device.record('held', { onUncertain: 'hold', priority: 1 })
    await device.attempt(UNCERTAIN)
    await device.identify('grace')
    await expect(device.outbox.retry('held')).rejects.toMatchObject({ code: 'not-found' })
    await device.identify('ada')
    expect(await ids()).toEqual(['held', 'adas-1', 'adas-2'])
  })
})

describe('get', () => {
  it('has the promise of the end of what waits', async () => {
    await device.record('a')
    const write = await device.outbox.get('a')
    device.settle.get('a')?.({ kind: 'cancelled' })
    expect(await write?.settled).toEqual({ kind: 'cancelled' })
  })

  it('tells how a write ended, as its documentation shows', async () => {
    await device.record('a')
    await device.attempt(CONFIRMED)
    const write = await device.outbox.get('a')
    const settlement = write?.state === 'settled' ? write.settlement : undefined
    expect(settlement).toEqual(CONFIRMED)
    expect(write).toEqual({
      id: 'a',
      state: 'settled',
      settlement: CONFIRMED,
      settledAt: new Date(device.now),
      settled: expect.any(Promise),
    })
    expect(await write?.settled).toEqual(CONFIRMED)
  })

  it('tells of a dead letter as long as it is one, however old', async () => {
    await device.record('a')
    await device.attempt(REFUSED)
    await device.storage.meta.removeItem(settledKey('a'))
    const { status, problem } = REFUSED as Extract<typeof REFUSED, { kind: 'refused' }>
    expect(await device.outbox.get('a')).toMatchObject({
      state: 'settled',
      settledAt: new Date(device.now),
      settlement: { kind: 'dead', reason: 'refused', status, problem },
    })
    await device.identify('ada')
    expect(await device.outbox.get('a')).toBeUndefined()
    await device.identify(undefined)
    await device.deadLetters.retry('a')
    expect((await device.outbox.get('a'))?.state).toBe('waiting')
  })

  it('tells of what was cancelled, until that is forgotten', async () => {
    await device.record('a')
    await device.outbox.cancel('a')
    expect(await device.outbox.get('a')).toMatchObject({ state: 'settled', settlement: { kind: 'cancelled' } })
    await device.storage.meta.removeItem(settledKey('a'))
    expect(await device.outbox.get('a')).toBeUndefined()
  })
})

describe('a write that is held', () => {
  beforeEach(async () => {
    await device.record('a', { onUncertain: 'hold', entity: 'note:1', body: 'tide' })
    await device.record('b', { entity: 'note:1' })
    await device.attempt(UNCERTAIN)
  })

  it('says so, and holds back what is behind it', async () => {
    expect(await device.outbox.list()).toMatchObject([{ id: 'a', state: 'held' }, { id: 'b' }])
    await expect(device.attempt()).rejects.toThrow('expected a claim')
    expect(await device.tally()).toMatchObject({ pending: 2, held: 1 })
  })

  it('is sent again when a person says so, in its place and under its key', async () => {
    await device.outbox.retry('a')
    expect(device.woken).toBe(1)
    expect(device.heard).toEqual(['changed'])
    expect(await device.tally()).toEqual({ pending: 2, bytes: 4, held: 0, dead: 0 })
    const { id, idempotencyKey } = await device.attempt(CONFIRMED)
    expect([id, idempotencyKey]).toEqual(['a', undefined])
    expect((await device.attempt(CONFIRMED)).id).toBe('b')
    expect(await device.tally()).toEqual({ pending: 0, bytes: 0, held: 0, dead: 0 })
  })

  it('is sent also where that comes after the age at which writes expire', async () => {
    device.now += 40 * 24 * 60 * 60 * 1000
    await device.outbox.retry('a')
    expect((await device.attempt(CONFIRMED)).id).toBe('a')
  })

  it('is held once more where that attempt may have arrived too', async () => {
    await device.outbox.retry('a')
    await device.attempt(UNCERTAIN)
    expect((await device.outbox.get('a'))?.state).toBe('held')
    expect(await device.tally()).toMatchObject({ pending: 2, held: 1 })
  })

  it('is not sent where a person cancels it, and the next one goes', async () => {
    expect(await device.outbox.cancel('a')).toBe(true)
    expect(await device.tally()).toEqual({ pending: 1, bytes: 0, held: 0, dead: 0 })
    expect((await device.attempt(CONFIRMED)).id).toBe('b')
  })

  it.each(['b', 'nope'])('is not what %s is, and retry says so', async id => {
    await expect(device.outbox.retry(id)).rejects.toMatchObject({
      code: 'not-found',
      message: `Failed to send the write again: no write with the id "${id}" is held. Another tab may have decided; get(id) shows how it stands. A dead letter is retried by deadLetters.retry(id).`,
    })
    expect(device.woken).toBe(0)
  })
})

it('sends a held write after the dead letter that came back before it', async () => {
  await device.recordDead('a', { entity: 'note:1' })
  await device.record('b', { entity: 'note:1', onUncertain: 'hold' })
  await device.attempt(UNCERTAIN)
  await device.deadLetters.retry('a')
  await device.outbox.retry('b')
  expect((await device.attempt(CONFIRMED)).id).toBe('a')
  expect((await device.attempt(CONFIRMED)).id).toBe('b')
})
