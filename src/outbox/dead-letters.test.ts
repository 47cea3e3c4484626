import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDevice, type Device, REFUSED } from './dead-letters.fixture.ts'
import { settledKey } from './settled.ts'

let device: Device

beforeEach(async () => {
  device = await createDevice()
})
afterEach(() => device.close())

describe('dead letters', () => {
  beforeEach(() => device.recordDead('a', { json: { n: 1 } }))

  it('are listed with their reason and everything of the write', async () => {
    expect(await device.deadLetters.list()).toMatchObject([
      {
        id: 'a',
        json: { n: 1 },
        reason: 'refused',
        status: 422,
        diedAt: new Date(device.now),
        problem: { type: 'about:blank' },
      },
    ])
    expect(await device.deadLetters.get('a')).toMatchObject({
      id: 'a',
      lastError: { code: 'status', message: 'Too long' },
    })
    expect(await device.deadLetters.get('b')).toBeUndefined()
  })

  it('are listed in the order of the calls, whatever their ids', async () => {
    await device.recordDead('0')
    expect((await device.deadLetters.list()).map(({ id }) => id)).toEqual(['a', '0'])
  })

  it('go back to their old place in the queue, with all attempts before them and the same key', async () => {
    await device.record('b')
    await device.deadLetters.retry('a')
    expect(await device.deadLetters.list()).toEqual([])
    expect(await device.outbox.list()).toMatchObject([{ id: 'a', attempts: 0, state: 'waiting' }, { id: 'b' }])
    expect(await device.storage.meta.getItem(settledKey('a'))).toBeNull()
    expect((await device.waiting('a')).idempotencyKey).toBeUndefined()
    expect(device.woken).toBe(1)
    expect(device.heard).toEqual(['changed'])
    await device.record('c')
    expect((await device.outbox.list()).map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  })

  it('go only when a person discards them', async () => {
    await device.deadLetters.discard('a')
    expect(await device.deadLetters.list()).toEqual([])
    expect(await device.outbox.count()).toBe(0)
    expect(await device.tally()).toEqual({ pending: 0, bytes: 0, held: 0, dead: 0 })
    expect(device.heard).toEqual(['changed'])
  })

  it('keep a body that is stored apart until then', async () => {
    await device.recordDead('b', { body: new Blob(['x'.repeat(100_000)]) })
    const [, letter] = await device.deadLetters.list()
    expect((await letter?.body())?.size).toBe(100_000)
    await device.deadLetters.discard('b')
    expect(await device.storage.blobs.count()).toBe(0)
  })

  it.each(['retry', 'discard'] as const)('%s says so where there is none', async action => {
    await expect(device.deadLetters[action]('nope')).rejects.toMatchObject({
      code: 'not-found',
      message: `Failed to ${action} the dead letter: there is none with the id "nope". It may have been retried or discarded in another tab; list() shows what there is.`,
    })
  })
})

describe('dead letters of several people', () => {
  beforeEach(async () => {
    await device.recordDead('nobodys')
    await device.identify('ada')
    await device.recordDead('adas', { entity: 'note:1' })
  })

  it('are shown to their owners', async () => {
    expect(await device.deadLetters.list()).toMatchObject([{ id: 'adas', entity: 'note:1' }])
    expect(await device.deadLetters.get('nobodys')).toBeUndefined()
    expect(JSON.parse(await (await device.deadLetters.export()).text()).letters).toMatchObject([{ id: 'adas' }])
    await device.identify(undefined)
    expect(await device.deadLetters.list()).toMatchObject([{ id: 'nobodys' }])
    expect(await device.deadLetters.get('adas')).toBeUndefined()
  })

  it('are there for nobody else to change', async () => {
    const { deadLetters } = device
    await expect(deadLetters.retry('nobodys')).rejects.toMatchObject({ code: 'not-found' })
    await expect(deadLetters.retry('nobodys', { json: 1 })).rejects.toMatchObject({ code: 'not-found' })
    await expect(deadLetters.discard('nobodys')).rejects.toMatchObject({ code: 'not-found' })
    await device.identify(undefined)
    expect(await deadLetters.list()).toMatchObject([{ id: 'nobodys' }])
  })
})

it('retries with an edit as the documentation shows', async () => {
  await device.recordDead('a', { json: { text: 'Low tide at noon, and fog' } })
  const hf = { deadLetters: device.deadLetters }
  const shorten = (json: unknown) => ({ text: (json as { text: string }).text.slice(0, 8) })
  for (const letter of await hf.deadLetters.list()) {
    if (letter.problem?.title === 'Too long') await hf.deadLetters.retry(letter.id, { json: shorten(letter.json) })
  }
  expect(await device.outbox.list()).toMatchObject([{ id: 'a', json: { text: 'Low tide' } }])
})

it('takes the file of one device to another as the documentation shows', async () => {
  const other = await createDevice()
  try {
    await device.recordDead('a', { json: { n: 1 } })
    const file = await device.deadLetters.export()
    const { imported, skipped } = await other.deadLetters.import(file)
    expect([imported, skipped]).toEqual([1, 0])
    expect(other.heard).toEqual(['changed'])
    expect(await other.deadLetters.list()).toMatchObject([{ id: 'a', json: { n: 1 }, reason: 'refused' }])
    expect(await device.deadLetters.list()).toHaveLength(1)
    await other.deadLetters.retry('a')
    expect(await other.attempt(REFUSED)).toMatchObject({ id: 'a', url: 'https://app.example/a' })
  } finally {
    other.close()
  }
})
