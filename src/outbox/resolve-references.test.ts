import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Mutation } from '../protocol/mutation.ts'
import { findReferences } from './references.ts'
import { type ReferringRequest, resolveReferences, unanswered, withAnswer } from './resolve-references.ts'

const NOTES = 'https://example.com/api/notes'

interface Parts {
  url?: string
  headers?: ReferringRequest['headers']
  json?: unknown
}

function request({ url = NOTES, headers = [], json }: Parts): ReferringRequest {
  return { url, headers, body: json === undefined ? undefined : JSON.stringify(json), isJson: json !== undefined }
}

/** A mutation that was recorded with these references, and then its parents were confirmed with these answers. */
function answered({ url = NOTES, headers = [], json }: Parts, answers: Record<string, unknown>): Mutation {
  const { references } = findReferences({ url, headers, json })
  const recorded = { id: 'me', references } as unknown as Mutation
  return Object.entries(answers).reduce((mutation, [id, body]) => withAnswer(mutation, { id, body }), recorded)
}

function resolveOne(parts: Parts, answer: unknown) {
  return resolveReferences(request(parts), answered(parts, { a1: answer }))
}

/** The json that is sent. */
function resolvedJson(json: unknown, answer: unknown): unknown {
  const resolved = resolveOne({ json }, answer)
  if (!resolved.ok) return resolved
  return JSON.parse(String(resolved.body))
}

describe('resolveReferences', () => {
  it('does what its documentation shows', () => {
    expect(
      resolveReferences(
        {
          url: 'https://example.com/api/notes/{ref:a1#/id}/photos',
          headers: [],
          body: '{"by":{"$ref":["a1","/by"]}}',
          isJson: true,
        },
        { answers: { a1: { '/id': 7, '/by': 'Ada' } } },
      ),
    ).toEqual({ ok: true, url: 'https://example.com/api/notes/7/photos', headers: [], body: '{"by":"Ada"}' })
  })

  it('gives the same bytes at each attempt, also after a trip through the database', () => {
    const parts = {
      url: `${NOTES}/{ref:a1#/id}`,
      headers: [['if-match', '{ref:b2#/etag}']] as const,
      json: { z: 1, a: { $ref: ['a1', ''] }, '10': [{ $ref: ['b2', '/etag'] }] },
    }
    const mutation = answered(parts, { a1: { id: 7, z: [1.5, 'é'], a: null }, b2: { etag: '"x"' } })
    const first = resolveReferences(request(parts), mutation)
    expect(first.ok).toBe(true)
    for (const again of [mutation, structuredClone(mutation)]) {
      expect(resolveReferences(request(parts), again)).toEqual(first)
    }
  })

  it('looks for references only in what was given as json', () => {
    const body = '{"a":{"$ref":["a1","/id"]}}'
    const asText = resolveReferences({ url: NOTES, headers: [], body, isJson: false }, {})
    expect(asText).toEqual({ ok: true, url: NOTES, headers: [], body })
    const bytes = new ArrayBuffer(1)
    expect(resolveReferences({ url: NOTES, headers: [], body: bytes, isJson: false }, {})).toMatchObject({
      body: bytes,
    })
  })

  it.each([
    ['', { foo: ['bar', 'baz'] }],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('follows the pointers of RFC 6901: %s', (pointer, expected) => {
    const document = {
      foo: ['bar', 'baz'],
      '': 0,
      'a/b': 1,
      'c%d': 2,
      'e^f': 3,
      'g|h': 4,
      'i\\j': 5,
      'k"l': 6,
      ' ': 7,
      'm~n': 8,
    }
    const answer = pointer === '' ? { foo: document.foo } : document
    expect(resolvedJson({ $ref: ['a1', pointer] }, answer)).toEqual(expected)
    if (typeof expected !== 'number') return
    const written = encodeURIComponent(pointer).replaceAll('%2F', '/')
    expect(resolveOne({ url: `${NOTES}/{ref:a1#${written}}` }, answer)).toMatchObject({ url: `${NOTES}/${expected}` })
  })

  it('says whose answer or which part of it is missing', () => {
    const json = { first: { $ref: ['a1', '/id'] }, second: { $ref: ['b2', '/id'] } }
    expect(resolveReferences(request({ json }), answered({ json }, { a1: { id: 1 } }))).toEqual({
      ok: false,
      missing: ['b2', '/id'],
      reason: 'no-answer',
    })
    for (const pointer of ['/none', '/list/2', '/list/-', '/list/01', '/list/length', '/id/length', '/nothing/x']) {
      const answer = { id: 'abc', list: [1, 2], nothing: null }
      expect(resolveOne({ json: { $ref: ['a1', pointer] } }, answer)).toEqual({
        ok: false,
        missing: ['a1', pointer],
        reason: 'not-found',
      })
    }
    // An answer without a body, or of which only the end was kept.
    expect(resolveOne({ json: { $ref: ['a1', '/id'] } }, undefined)).toMatchObject({ reason: 'not-found' })
  })

  it('never reads from a prototype, and keeps __proto__ an ordinary member', () => {
    for (const pointer of ['/constructor', '/__proto__', '/toString', '/list/constructor', '/constructor/name']) {
      expect(resolveOne({ json: { $ref: ['a1', pointer] } }, { list: [] })).toMatchObject({ reason: 'not-found' })
    }
    for (const id of ['__proto__', 'constructor', 'toString']) {
      const json = { $ref: [id, '/id'] }
      expect(resolveReferences(request({ json }), answered({ json }, {}))).toMatchObject({ reason: 'no-answer' })
      const mutation = withAnswer(answered({ json }, {}), { id, body: { id: 7 } })
      expect(unanswered(mutation)).toEqual([])
      expect(resolveReferences(request({ json }), structuredClone(mutation))).toMatchObject({ body: '7' })
    }
    const json = JSON.parse('{"__proto__":{"id":{"$ref":["a1","/__proto__"]}}}')
    const resolved = resolveOne({ json }, JSON.parse('{"__proto__":"own"}'))
    expect(resolved).toMatchObject({ body: '{"__proto__":{"id":"own"}}' })
  })

  it('puts any value into json, and null too', () => {
    const json = [{ $ref: ['a1', '/all'] }, { $ref: ['a1', '/none'] }]
    expect(resolvedJson(json, { all: { deep: [1] }, none: null })).toEqual([{ deep: [1] }, null])
  })

  it('takes nothing that an answer holds for a reference', () => {
    const answer = { list: ['b2', '/secret'], whole: { $ref: ['b2', '/secret'] }, text: '{ref:b2#/secret}' }
    const json = { $ref: { $ref: ['a1', '/list'] }, other: { $ref: ['a1', '/whole'] }, text: { $ref: ['a1', '/text'] } }
    const parts = { url: `${NOTES}/{ref:a1#/text}`, headers: [['x-a', '{ref:a1#/text}']] as const, json }
    const mutation = withAnswer(answered(parts, { a1: answer }), { id: 'b2', body: { secret: 'no' } })
    const resolved = resolveReferences(request(parts), mutation)
    expect(resolved).toEqual({
      ok: true,
      url: `${NOTES}/${encodeURIComponent(answer.text)}`,
      headers: [['x-a', answer.text]],
      body: JSON.stringify({ $ref: answer.list, other: answer.whole, text: answer.text }),
    })
  })

  it('lets no answer change the shape of an address', () => {
    const url = `${NOTES}/{ref:a1#/id}/photos?of={ref:a1#/id}`
    const path = `${NOTES}/`.length
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), id => {
        const resolved = resolveOne({ url }, { id })
        expect(resolved.ok).toBe(!['', '.', '..'].includes(id))
        if (!resolved.ok) return
        const parsed = new URL(resolved.url)
        expect(parsed.origin).toBe('https://example.com')
        expect(parsed.href.slice(0, path)).toBe(`${NOTES}/`)
        expect(parsed.pathname.split('/').map(decodeURIComponent)).toEqual(['', 'api', 'notes', id, 'photos'])
        expect([...parsed.searchParams]).toEqual([['of', id]])
        expect(parsed.hash).toBe('')
      }),
    )
    for (const id of ['../admin', '//evil.example', '@evil.example', 'a?b#c', "it's", 'é', '%2e%2e']) {
      expect(resolveOne({ url }, { id }).ok).toBe(true)
    }
  })

  it.each([
    ['an empty text', ''],
    ['one dot', '.'],
    ['two dots', '..'],
    ['an object', {}],
    ['a list', ['x']],
    ['null', null],
    ['half of a character', '\ud800'],
  ])('puts %s into no address', (_what, id) => {
    const missing = { ok: false, missing: ['a1', '/id'], reason: 'not-usable' }
    expect(resolveOne({ url: `${NOTES}/{ref:a1#/id}` }, { id })).toEqual(missing)
  })

  it('puts together no way up from parts that look harmless', () => {
    expect(resolveOne({ url: `${NOTES}/%2{ref:a1#/id}/x` }, { id: 'e' })).toMatchObject({ reason: 'not-usable' })
  })

  it('puts into a header only what a header can carry', () => {
    const headers = [['If-Match', '"{ref:a1#/id}"']] as const
    expect(resolveOne({ headers }, { id: 'v1' })).toMatchObject({ headers: [['If-Match', '"v1"']] })
    for (const id of ['a\r\nX-Admin: 1', 'a\nb', 'a\0', '\u20ac', {}, null]) {
      expect(resolveOne({ headers }, { id })).toMatchObject({ ok: false, reason: 'not-usable' })
    }
  })

  it('never throws: a record that cannot be read must not stop the others', () => {
    const answers = { a1: { '/id': 7 } }
    for (const body of ['{', '{"$ref":[]}', '{"$ref":[null,{}]}']) {
      expect(resolveReferences({ url: NOTES, headers: [], body, isJson: true }, { answers }).ok).toBe(false)
    }
    const url = `${NOTES}/{ref:a1#/%ff}`
    expect(resolveReferences({ url, headers: [], body: undefined, isJson: false }, { answers }).ok).toBe(false)
  })
})

describe('withAnswer', () => {
  const references: Mutation['references'] = [
    ['a1', '/id'],
    ['a1', '/none'],
    ['b2', '/list/0'],
  ]
  const mutation = { id: 'me', references } as unknown as Mutation

  it('notes only what is referred to, and knows whose answers are left', () => {
    expect(unanswered(mutation)).toEqual(['a1', 'b2'])
    const once = withAnswer(mutation, { id: 'a1', body: { id: 7, large: 'x'.repeat(1000) } })
    expect(once.answers).toEqual({ a1: { '/id': 7 } })
    expect(unanswered(once)).toEqual(['b2'])
    const twice = withAnswer(once, { id: 'b2', body: { list: [true] } })
    expect(twice.answers).toEqual({ a1: { '/id': 7 }, b2: { '/list/0': true } })
    expect(unanswered(twice)).toEqual([])
    expect(mutation.answers).toBeUndefined()
  })

  it('gives a mutation back as it is that takes nothing from that answer', () => {
    expect(withAnswer(mutation, { id: 'c3', body: {} })).toBe(mutation)
    const plain = { id: 'me' } as Mutation
    expect(withAnswer(plain, { id: 'a1', body: {} })).toBe(plain)
    expect(unanswered(plain)).toEqual([])
  })
})
