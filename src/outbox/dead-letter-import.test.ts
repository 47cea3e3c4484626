import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { METHODS } from '../protocol/mutation.ts'
import { CONFIRMED, createDevice, type Device, REFUSED } from './dead-letters.fixture.ts'
import type { MutationInput } from './mutation-input.ts'
import { settledKey } from './settled.ts'

let device: Device
let other: Device

beforeEach(async () => {
  device = await createDevice()
  other = await createDevice()
})
afterEach(() => {
  device.close()
  other.close()
})

/** What a person sees, with the bodies as bytes. */
async function seen({ deadLetters }: Device) {
  const letters = await deadLetters.list()
  return Promise.all(letters.map(async ({ body, ...letter }) => ({ ...letter, body: await textOf(body) })))
}

async function textOf(body: () => Promise<Blob>): Promise<[type: string, text: string] | 'lost'> {
  try {
    const blob = await body()
    return [blob.type, Buffer.from(await blob.arrayBuffer()).toString('latin1')]
  } catch {
    return 'lost'
  }
}

const content = fc.oneof(
  fc.record({ json: fc.jsonValue().filter(json => !JSON.stringify(json).includes('$ref')) }),
  fc.record({ body: fc.string({ unit: 'binary' }) }),
  fc.record({ body: fc.uint8Array({ minLength: 1 }) }),
  fc.constant({ body: 'é'.repeat(70_000) }),
  fc.constant({ json: { filling: 'x'.repeat(70_000) } }),
  fc.constant({ body: new Uint8Array(70_000).fill(200) }),
  fc.constant({}),
)
const input: fc.Arbitrary<Partial<MutationInput>> = fc
  .tuple(
    content,
    fc.record(
      {
        method: fc.constantFrom(...METHODS),
        entity: fc.string({ minLength: 1 }),
        priority: fc.integer({ min: -10_000, max: 10_000 }),
        meta: fc.dictionary(fc.string(), fc.oneof(fc.jsonValue(), fc.date(), fc.bigInt())),
        headers: fc.constantFrom({ 'x-app': 'demo' }, { 'content-type': 'application/merge-patch+json' }),
        attempts: fc.integer({ min: 1, max: 9 }),
        onUncertain: fc.constantFrom('hold' as const, 'retry' as const),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([body, terms]) => ({ ...body, ...terms }) as Partial<MutationInput>)

const CASES = fc.tuple(
  fc.array(fc.record({ input, isLost: fc.boolean(), isEdited: fc.boolean() }), { maxLength: 5 }),
  fc.constantFrom(undefined, 'ada'),
  fc.constantFrom(undefined, 'grace'),
)

describe('a file that is imported elsewhere', () => {
  it('brings what was there: any letters, of anybody, to anybody', async () => {
    await fc.assert(
      fc.asyncProperty(CASES, async ([letters, owner, importer]) => {
        const [from, to] = [await createDevice(), await createDevice()]
        try {
          await from.identify(owner)
          await to.identify(importer)
          for (const [index, { input: terms, isLost, isEdited }] of letters.entries()) {
            const id = `id-${index}`
            await from.recordDead(id, terms)
            if (isEdited) {
              await from.deadLetters.retry(id, { headers: { 'x-edited': 'yes' } })
              await from.attempt(REFUSED)
            }
            const { body } = (await from.dead(id)).mutation
            if (isLost && body.kind === 'apart') await from.storage.blobs.removeItem(body.blobKey)
          }
          const file = await from.deadLetters.export()
          expect(await to.deadLetters.import(await file.text())).toEqual({ imported: letters.length, skipped: 0 })
          expect(await seen(to)).toEqual(await seen(from))
          expect(await (await to.deadLetters.export()).text()).toBe(await file.text())
          expect(await to.tally()).toEqual({ pending: 0, bytes: 0, held: 0, dead: letters.length })
        } finally {
          from.close()
          to.close()
        }
      }),
      { numRuns: 60 },
    )
  })

  it('goes to whoever imports it, in the order of the file, behind what was there', async () => {
    await device.identify('ada')
    await device.recordDead('b', { entity: 'note:1' })
    await device.recordDead('a', { entity: 'note:1' })
    await other.identify('grace')
    await other.record('here', { entity: 'note:1' })
    await other.deadLetters.import(await device.deadLetters.export())
    await other.record('later', { entity: 'note:1' })
    expect(await other.deadLetters.list()).toMatchObject([
      { id: 'b', entity: 'note:1' },
      { id: 'a', entity: 'note:1' },
    ])
    await other.deadLetters.retry('a')
    await other.deadLetters.retry('b')
    const order = [await other.attempt(CONFIRMED), await other.attempt(CONFIRMED), await other.attempt(CONFIRMED)]
    expect(order.map(({ id }) => id)).toEqual(['here', 'b', 'a'])
    expect((await other.attempt()).id).toBe('later')
  })

  it('takes the keys along: of what was edited too', async () => {
    await device.recordDead('a', { json: 1 })
    await device.deadLetters.retry('a', { json: 2 })
    await device.attempt(REFUSED)
    await device.recordDead('b')
    await other.deadLetters.import(await device.deadLetters.export())
    const { idempotencyKey } = (await device.dead('a')).mutation
    expect(idempotencyKey).toBeDefined()
    expect((await other.dead('a')).mutation.idempotencyKey).toBe(idempotencyKey)
    expect((await other.dead('b')).mutation.idempotencyKey).toBeUndefined()
  })

  it('takes a key along that the app has given, which is sent as it was', async () => {
    await device.recordDead('a', { json: 1 })
    const record = await device.dead('a')
    const given = { idempotencyKey: '"my key"', keyGiven: true }
    await device.storage.dead.setItem('a', { ...record, mutation: { ...record.mutation, ...given } })
    await other.deadLetters.import(await device.deadLetters.export())
    expect((await other.dead('a')).mutation).toMatchObject(given)
  })

  it('takes the answers along that a letter refers to', async () => {
    await device.record('parent')
    await device.attempt(CONFIRMED)
    await device.recordDead('a', { url: '/notes/{ref:parent#/id}', json: { of: { $ref: ['parent', '/id'] } } })
    await other.deadLetters.import(await device.deadLetters.export())
    await other.deadLetters.retry('a')
    expect(await other.attempt()).toMatchObject({
      url: 'https://app.example/notes/{ref:parent#/id}',
      answers: { parent: { '/id': 7 } },
    })
  })

  it('is never joined with another write, since a server may have it', async () => {
    await device.recordDead('a')
    await other.deadLetters.import(await device.deadLetters.export())
    await other.deadLetters.retry('a')
    expect(await other.waiting('a')).toMatchObject({ attempts: 0, failures: 0, fence: 1 })
  })

  it('can be retried, edited and discarded like any other, body and all', async () => {
    for (const id of ['a', 'b']) await device.recordDead(id, { body: id.repeat(70_000) })
    await other.deadLetters.import(await device.deadLetters.export())
    expect(await other.storage.blobs.count()).toBe(2)
    await other.deadLetters.discard('a')
    await other.deadLetters.retry('b', { body: 'small' })
    expect(await other.storage.blobs.count()).toBe(0)
    expect(await other.tally()).toEqual({ pending: 1, bytes: 5, held: 0, dead: 0 })
  })
})

describe('what a device knows is skipped', () => {
  it('all of it at the second time', async () => {
    await device.recordDead('a')
    const file = await device.deadLetters.export()
    expect(await device.deadLetters.import(file)).toEqual({ imported: 0, skipped: 1 })
    expect(await other.deadLetters.import(file)).toEqual({ imported: 1, skipped: 0 })
    const before = [await seen(other), await other.tally()]
    expect(await other.deadLetters.import(file)).toEqual({ imported: 0, skipped: 1 })
    expect([await seen(other), await other.tally()]).toEqual(before)
    expect(other.heard).toEqual(['changed'])
  })

  it('what waits again, was confirmed or was discarded', async () => {
    for (const id of ['a', 'b', 'c', 'new']) await device.recordDead(id)
    const file = await device.deadLetters.export()
    await device.deadLetters.retry('a')
    await device.attempt(CONFIRMED)
    await device.deadLetters.discard('b')
    await device.storage.meta.removeItem(settledKey('b'))
    await device.deadLetters.retry('c')
    expect(await device.deadLetters.import(file)).toEqual({ imported: 0, skipped: 4 })
  })

  it('what was imported, delivered and forgotten', async () => {
    await device.recordDead('a')
    const file = await device.deadLetters.export()
    await other.deadLetters.import(file)
    await other.deadLetters.retry('a')
    await other.attempt(CONFIRMED)
    await other.storage.meta.removeItem(settledKey('a'))
    expect(await other.deadLetters.import(file)).toEqual({ imported: 0, skipped: 1 })
  })

  it("what is somebody else's here", async () => {
    await device.recordDead('a')
    const file = await device.deadLetters.export()
    await device.identify('ada')
    expect(await device.deadLetters.import(file)).toEqual({ imported: 0, skipped: 1 })
  })
})
