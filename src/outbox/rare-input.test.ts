import { describe, expect, it } from 'vitest'
import type { Mutation } from '../protocol/mutation.ts'
import { type MutationInput, type PreparePorts, prepareMutation } from './mutation-input.ts'
import { refuseInput } from './rare-input.ts'
import { resolveReferences, withAnswer } from './resolve-references.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'

const ports: PreparePorts = {
  base: 'https://app.example/notes/',
  now: () => 1_000,
  newId: () => 'id-1',
  retry: DEFAULT_RETRY,
  loadRare: () => import('./rare-input.ts'),
}
const prepare = async (input: Partial<MutationInput>, more: Partial<PreparePorts> = {}) =>
  prepareMutation({ url: '/a', ...input }, { ...ports, ...more })

describe('what only some inputs ask for', () => {
  it('records times, credentials and what to do when nobody knows', async () => {
    const { mutation } = await prepare({
      notBefore: new Date(2_000),
      expiresAt: new Date(3_000),
      attempts: 2,
      credentials: 'include',
      onUncertain: 'hold',
    })
    expect(mutation).toMatchObject({ notBefore: 2_000, expiresAt: 3_000, credentials: 'include', onUncertain: 'hold' })
    expect(mutation.retry).toEqual({ ...DEFAULT_RETRY, attempts: 2 })
  })

  it('records nothing of what is as it would be anyway', async () => {
    const plain = await prepare({ entity: 'e' })
    const said = await prepare({
      ...{ entity: 'e', coalesce: false, onUncertain: 'retry', online: 'required' },
      ...{ notBefore: undefined, expiresAt: undefined, attempts: undefined, credentials: undefined },
    })
    expect(said).toEqual(plain)
  })

  it('passes on how it is to be coalesced, beside the record', async () => {
    const { mutation, coalesce } = await prepare({ entity: 'e', coalesce: 'merge' })
    expect(coalesce).toBe('merge')
    expect(mutation).not.toHaveProperty('coalesce')
  })

  it('refuses without a network what asks for one, and only that', async () => {
    const isOnline = () => false
    const refused = await prepare({ online: 'required' }, { isOnline }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'offline' })
    expect((refused as Error).message).toMatch(/^Failed to record the mutation: .+\. .+Try again .+\.$/)
    expect((await prepare({ attempts: 1 }, { isOnline })).mutation.id).toBe('id-1')
  })
})

describe('references', () => {
  it('do what the documentation of an input shows', async () => {
    const note = await prepare({ url: '/api/notes', json: { text: 'Low tide at noon' } }, { newId: () => 'note-1' })
    const { id } = note.mutation
    const tag = await prepare({
      url: `/api/notes/{ref:${id}#/id}/tags`,
      json: { note: { $ref: [id, '/id'] }, name: 'sea' },
    })
    expect(tag).toMatchObject({ mutation: { references: [['note-1', '/id']] }, dependsOn: ['note-1'] })
    const answered = withAnswer(tag.mutation as Mutation, { id, body: { id: 7 } })
    const { url, headers, body } = answered
    const text = body.kind === 'json' ? body.text : undefined
    expect(resolveReferences({ url, headers, body: text, isJson: true }, answered)).toMatchObject({
      url: 'https://app.example/api/notes/7/tags',
      body: '{"note":7,"name":"sea"}',
    })
  })

  it('are found in address, headers and json, and waited for', async () => {
    const { mutation, dependsOn } = await prepare({
      url: 'tags/{ref:a#/id}#part',
      headers: { 'if-match': '"{ref:b#/etag}"' },
      json: { note: { $ref: ['a', '/id'] }, by: { $ref: ['c', '/user/id'] } },
      dependsOn: ['d', 'a'],
    })
    expect(mutation.url).toBe('https://app.example/notes/tags/{ref:a#/id}')
    expect(mutation.headers).toContainEqual(['if-match', '"{ref:b#/etag}"'])
    expect(mutation.body).toEqual({
      kind: 'json',
      text: '{"note":{"$ref":["a","/id"]},"by":{"$ref":["c","/user/id"]}}',
    })
    expect(mutation.references).toEqual([
      ['a', '/id'],
      ['b', '/etag'],
      ['c', '/user/id'],
    ])
    expect(dependsOn).toEqual(['d', 'a', 'b', 'c'])
  })

  it('are found in json that is stored apart, and in the address of a file', async () => {
    const large = await prepare({ json: ['x'.repeat(70_000), { $ref: ['a', ''] }] })
    expect(large).toMatchObject({ mutation: { body: { kind: 'apart' }, references: [['a', '']] }, dependsOn: ['a'] })
    const file = await prepare({ url: '/notes/{ref:a#/id}/photo', body: new Blob(['pixels']) })
    expect(file).toMatchObject({
      mutation: {
        url: 'https://app.example/notes/{ref:a#/id}/photo',
        body: { kind: 'bytes' },
        references: [['a', '/id']],
      },
      dependsOn: ['a'],
    })
  })

  it('are not looked for in text, nor in what is only like them', async () => {
    const text = await prepare({ body: '{"$ref":["a","/id"]}', attempts: 1 })
    expect(text.mutation).not.toHaveProperty('references')
    const schema = await prepare({ json: { $ref: '#/$defs/note' } })
    expect(schema.mutation).not.toHaveProperty('references')
    expect(schema).not.toHaveProperty('dependsOn')
  })
})

describe('what is refused', () => {
  it('has a reason also where the input was mended meanwhile', () => {
    expect(() => refuseInput({ url: '/a' }, ports.base)).toThrow(/^Failed to record the mutation: it has changed/)
  })
})
