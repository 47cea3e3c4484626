import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DeadLetterEdit } from './dead-letter-edit.ts'
import { createDevice, type Device } from './dead-letters.fixture.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'

let device: Device

beforeEach(async () => {
  device = await createDevice()
})
afterEach(() => device.close())

const headersOf = async (id: string) => Object.fromEntries((await device.waiting(id)).headers)
const large = (letter: string) => letter.repeat(70_000)

describe('an edit', () => {
  beforeEach(() =>
    device.recordDead('a', {
      url: 'https://api.example/notes/1?x=1',
      method: 'PUT',
      json: { n: 1 },
      headers: { 'content-type': 'application/merge-patch+json', 'if-match': '"1"', 'x-app': 'demo' },
      entity: 'note:1',
      priority: 3,
      credentials: 'include',
      meta: { label: 'Fern' },
      attempts: 2,
      notBefore: new Date(device.now - 1),
      expiresAt: new Date(device.now + 5_000),
    }),
  )

  it('of nothing leaves everything as it was, but for what a retry begins anew', async () => {
    const { mutation } = await device.dead('a')
    device.now += 1_000
    await device.deadLetters.retry('a', {})
    const { key: _key, ...waiting } = await device.waiting('a')
    const { key: _old, ...before } = mutation
    expect(waiting).toEqual({ ...before, createdAt: device.now, attempts: 0, failures: 0 })
  })

  it('puts what it has in the place of what was there', async () => {
    await device.deadLetters.retry('a', {
      url: '/notes/2#here',
      method: 'PATCH',
      json: { n: 22 },
      headers: { 'If-Match': '"2"', 'x-app': null, 'x-new': 'yes' },
      priority: -1,
      attempts: 4,
      meta: { label: 'Moss' },
      notBefore: new Date(device.now + 1_000),
      expiresAt: new Date(device.now + 9_000),
    })
    expect(await device.waiting('a')).toMatchObject({
      id: 'a',
      url: 'https://api.example/notes/2',
      method: 'PATCH',
      body: { kind: 'json', text: '{"n":22}' },
      entity: 'note:1',
      priority: -1,
      credentials: 'include',
      retry: { ...DEFAULT_RETRY, attempts: 4 },
      meta: { label: 'Moss' },
      notBefore: device.now + 1_000,
      expiresAt: device.now + 9_000,
      idempotencyKey: expect.stringMatching(/^new-/),
    })
    expect(await headersOf('a')).toEqual({
      'content-type': 'application/merge-patch+json',
      'if-match': '"2"',
      'x-new': 'yes',
    })
    expect(await device.tally()).toEqual({ pending: 1, bytes: 8, held: 0, dead: 0 })
  })

  it('takes away what it says null of', async () => {
    const nothing = { notBefore: null, expiresAt: null, meta: null, body: null, headers: { 'if-match': null } }
    await device.deadLetters.retry('a', nothing)
    const mutation = await device.waiting('a')
    expect(mutation).toMatchObject({ body: { kind: 'none' }, headers: [['x-app', 'demo']] })
    for (const member of ['notBefore', 'expiresAt', 'meta']) expect(mutation).not.toHaveProperty(member)
    expect(await device.tally()).toMatchObject({ bytes: 0 })
  })

  it('takes away a time that has passed, or the write would expire at once', async () => {
    device.now += 5_000
    await device.deadLetters.retry('a', {})
    expect(await device.waiting('a')).not.toHaveProperty('expiresAt')
    expect((await device.attempt()).id).toBe('a')
  })

  const KEPT: DeadLetterEdit[] = [
    { priority: 9, attempts: 1, meta: {}, notBefore: null, expiresAt: null },
    { json: { n: 1 } },
    { url: 'https://api.example/notes/1?x=1', method: 'PUT' },
    { headers: { 'IF-MATCH': '"1"' } },
    { headers: new Headers({ 'x-app': 'demo' }) },
  ]
  it.each(KEPT)('keeps the key where the server gets the same: %j', async edit => {
    await device.deadLetters.retry('a', edit)
    expect((await device.waiting('a')).idempotencyKey).toBeUndefined()
  })

  const CHANGED: DeadLetterEdit[] = [
    { json: { n: 2 } },
    { url: 'https://api.example/notes/1?x=2' },
    { method: 'PATCH' },
    { headers: { 'if-match': '"2"' } },
    { headers: { 'x-app': null } },
    { body: null },
    { body: new Uint8Array([1]) },
  ]
  it.each(CHANGED)('gives another key where the server gets something else: %j', async edit => {
    await device.deadLetters.retry('a', edit)
    const { idempotencyKey, id } = await device.waiting('a')
    expect([id, idempotencyKey]).toEqual(['a', expect.stringMatching(/^new-/)])
  })

  const REFUSED: [DeadLetterEdit, string][] = [
    [
      { url: 'ftp://api.example' },
      'Failed to retry the dead letter: its url has the scheme ftp:. Use an http or https address.',
    ],
    [{ method: 'GET' as 'PUT' }, 'its method is GET, which is not a write'],
    [{ headers: { Authorization: 'x' } }, 'its headers hold "authorization"'],
    [{ headers: { 'a b': 'x' } }, 'its headers are not valid'],
    [{ headers: 'x' as unknown as HeadersInit }, 'its headers are not valid'],
    [{ json: 1, body: 'x' }, 'it has both json and body'],
    [{ json: 1n }, 'its json cannot be written as JSON'],
    [{ body: new ReadableStream() }, 'its body is a stream'],
    [{ priority: 0.5 }, 'its priority is 0.5'],
    [{ attempts: 0 }, 'its attempts are 0'],
    [{ expiresAt: 'now' as unknown as Date }, 'its expiresAt is not a date'],
    [{ meta: { fn: () => 1 } }, 'its meta cannot be stored'],
    [{ json: { $ref: ['only one'] } }, 'is not a reference'],
    [{ json: { $ref: ['a', '/id'] } }, 'it refers to "a", which was not made before it'],
    [
      { entity: 'note:2' } as DeadLetterEdit,
      'its edit has a member "entity". Use only url, method, json, body, headers, priority, notBefore, expiresAt, attempts, meta; to change anything else, discard it and make the write anew.',
    ],
    [0 as DeadLetterEdit, 'its edit is not an object'],
    [null as unknown as DeadLetterEdit, 'its edit is not an object'],
  ]
  it.each(REFUSED)('is refused as mutate() would, and nothing is changed: %o', async (edit, text) => {
    const before = [await device.dead('a'), await device.tally()]
    await expect(device.deadLetters.retry('a', edit)).rejects.toMatchObject({
      code: 'invalid-mutation',
      message: expect.stringContaining(text),
    })
    expect([await device.dead('a'), await device.tally()]).toEqual(before)
    expect([await device.outbox.count(), device.woken]).toEqual([0, 0])
  })
})

describe('the body of an edit', () => {
  it('is stored apart where it is large, in place of the old one', async () => {
    await device.recordDead('a', { body: large('x') })
    await device.deadLetters.retry('a', { body: large('y') })
    expect(await device.storage.blobs.count()).toBe(1)
    expect(await (await device.outbox.list())[0]?.body().then(body => body.text())).toBe(large('y'))
    expect(await device.tally()).toMatchObject({ pending: 1, bytes: 70_000 })
  })

  it('leaves nothing apart where it is small', async () => {
    await device.recordDead('a', { json: large('x') })
    await device.deadLetters.retry('a', { json: 'y' })
    expect(await device.storage.blobs.count()).toBe(0)
    expect(await device.waiting('a')).toMatchObject({ body: { kind: 'json', text: '"y"' } })
  })

  it('stays where it is apart and the same is given again, under the same key', async () => {
    await device.recordDead('a', { json: large('x') })
    await device.deadLetters.retry('a', { json: large('x') })
    expect((await device.waiting('a')).idempotencyKey).toBeUndefined()
    expect(await (await device.outbox.list())[0]?.body().then(body => body.text())).toBe(`"${large('x')}"`)
    expect(await device.storage.blobs.count()).toBe(1)
  })

  it('stays where only something else is edited', async () => {
    await device.recordDead('a', { json: large('x') })
    await device.deadLetters.retry('a', { url: '/b' })
    expect(await (await device.outbox.list())[0]?.body().then(body => body.text())).toBe(`"${large('x')}"`)
  })

  const form = new FormData()
  form.set('photo', new Blob(['x']), 'fern.png')
  it.each([
    ['text/csv', { body: 'a,b', headers: { 'content-type': 'text/csv' } }, { body: 'c,d' }],
    ['application/json', { body: 'a,b', headers: { 'content-type': 'text/csv' } }, { json: 1 }],
    ['text/plain;charset=UTF-8', { body: form }, { body: 'x' }],
    ['image/png', { body: form }, { body: new Blob(['x'], { type: 'image/png' }) }],
    ['text/html', { json: 1 }, { body: 'x', headers: { 'Content-Type': 'text/html' } }],
    [
      'application/json',
      { json: 1, headers: { 'content-type': 'a/b' } },
      { json: 1, headers: { 'content-type': null } },
    ],
  ])('is of the type %s', async (type, input, edit) => {
    await device.recordDead('a', input)
    await device.deadLetters.retry('a', edit)
    expect((await headersOf('a'))['content-type']).toBe(type)
  })

  it('may take the place of one that is lost', async () => {
    await device.recordDead('a', { body: new Uint8Array(70_000) })
    await device.storage.blobs.clear()
    await device.deadLetters.retry('a', { body: null })
    expect(await device.waiting('a')).toMatchObject({ body: { kind: 'none' }, idempotencyKey: 'new-2' })
  })
})
