import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CONFIRMED, createDevice, type Device, REFUSED } from './dead-letters.fixture.ts'
import { settledKey } from './settled.ts'

let device: Device

beforeEach(async () => {
  device = await createDevice()
})
afterEach(() => device.close())

const stateOf = async (id: string) => (await device.outbox.get(id))?.state

describe('references after an edit', () => {
  const toParent = { json: { note: { $ref: ['parent', '/id'] } } }

  it('take the answer that is on record, and keep it', async () => {
    await device.record('parent')
    await device.attempt(CONFIRMED)
    await device.recordDead('a')
    await device.deadLetters.retry('a', toParent)
    await device.storage.meta.removeItem(settledKey('parent'))
    expect(await device.waiting('a')).toMatchObject({
      references: [['parent', '/id']],
      answers: { parent: { '/id': 7 } },
    })
    expect(await stateOf('a')).toBe('waiting')
  })

  it('wait for one that waits', async () => {
    await device.record('parent', { notBefore: new Date(device.now + 1_000) })
    await device.recordDead('a')
    await device.deadLetters.retry('a', { url: '/notes/{ref:parent#/id}' })
    expect(await stateOf('a')).toBe('blocked')
    device.now += 1_000
    expect((await device.attempt(CONFIRMED)).id).toBe('parent')
    expect(await device.attempt()).toMatchObject({ id: 'a', url: 'https://app.example/notes/{ref:parent#/id}' })
  })

  it.each(['dead', 'cancelled'] as const)('say that the one they wait for is %s', async end => {
    await device.record('parent', { priority: 1 })
    await device.recordDead('a', { priority: 2 })
    if (end === 'dead') await device.attempt(REFUSED)
    else await device.outbox.cancel('parent')
    await device.deadLetters.retry('a', toParent)
    expect(await device.outbox.get('a')).toMatchObject({
      state: 'blocked',
      blockedBy: { id: 'parent', reason: `parent-${end}` },
    })
  })

  it('stay in the parts that were not edited', async () => {
    await device.record('parent')
    await device.attempt(CONFIRMED)
    await device.recordDead('a', { json: { $ref: ['parent', ''] }, headers: { 'x-of': '{ref:parent#/id}' } })
    await device.deadLetters.retry('a', { url: '/b' })
    expect(await device.waiting('a')).toMatchObject({
      references: [
        ['parent', '/id'],
        ['parent', ''],
      ],
      answers: { parent: { '/id': 7, '': { id: 7 } } },
    })
  })

  it('go with the parts that they were in', async () => {
    await device.record('parent')
    await device.attempt(CONFIRMED)
    await device.recordDead('a', toParent)
    await device.deadLetters.retry('a', { json: { note: 7 } })
    expect(await device.waiting('a')).not.toHaveProperty('references')
    expect((await device.attempt()).id).toBe('a')
  })

  it('to a later write are refused, since both would wait for ever', async () => {
    await device.recordDead('a', { entity: 'note:1' })
    await device.record('parent', { entity: 'note:1' })
    await expect(device.deadLetters.retry('a', toParent)).rejects.toMatchObject({
      code: 'invalid-mutation',
      message:
        'Failed to retry the dead letter: it refers to "parent", which was not made before it. Discard it, and make the write anew: it will be behind the other one then.',
    })
    expect(await device.deadLetters.list()).toMatchObject([{ id: 'a' }])
    expect(await device.tally()).toMatchObject({ pending: 1, dead: 1 })
  })
})

it('notes answers at a plain retry too, before they are forgotten', async () => {
  await device.record('parent')
  await device.attempt(CONFIRMED)
  await device.recordDead('a', { json: { $ref: ['parent', '/id'] } })
  await device.deadLetters.retry('a')
  expect(await device.waiting('a')).toMatchObject({ answers: { parent: { '/id': 7 } } })
})

it('lets those go on that depend on it, whatever was edited', async () => {
  await device.recordDead('a', { json: 1 })
  await device.record('b', { dependsOn: ['a'] })
  expect(await device.outbox.get('b')).toMatchObject({ blockedBy: { id: 'a', reason: 'parent-dead' } })
  await device.deadLetters.retry('a', { json: 2 })
  expect(await device.outbox.get('b')).not.toHaveProperty('blockedBy')
  await device.attempt(CONFIRMED)
  expect((await device.attempt()).id).toBe('b')
})

it('edits what is there now, where another tab was faster and it has come back', async () => {
  await device.recordDead('a', { json: { n: 1 }, headers: { 'x-tab': '1' } })
  const { storage, deadLetters } = device
  const { transact } = storage
  storage.transact = async (...args) => {
    if (args[1] === 'readonly') return transact(...args)
    storage.transact = transact
    await deadLetters.retry('a', { headers: { 'x-tab': '2' } })
    await device.attempt(REFUSED)
    return transact(...args)
  }
  await deadLetters.retry('a', { json: { n: 2 } })
  const { headers, body } = await device.waiting('a')
  expect([headers, body]).toEqual([
    [
      ['content-type', 'application/json'],
      ['x-tab', '2'],
    ],
    { kind: 'json', text: '{"n":2}' },
  ])
})
