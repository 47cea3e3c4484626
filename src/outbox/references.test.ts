import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { absoluteTemplate, findReferences, type ReferringRequest, resolveReferences } from './references.ts'

const NOTES = 'https://example.com/api/notes'

function request(parts: Partial<ReferringRequest>): ReferringRequest {
  return { url: NOTES, headers: [], ...parts }
}

function answers(byId: Record<string, unknown>): Map<string, unknown> {
  return new Map(Object.entries(byId))
}

function resolveOne(parts: Partial<ReferringRequest>, answer: unknown) {
  return resolveReferences(request(parts), answers({ a1: answer }))
}

describe('findReferences', () => {
  it('finds each parent once, in address, headers and json', () => {
    const found = findReferences({
      url: `${NOTES}/{ref:a1#/id}/photos?of={ref:b2#/items/0/id}`,
      headers: [['If-Match', '{ref:c3#/etag}']],
      json: { note: { $ref: ['a1', '/id'] }, list: [1, { deep: { $ref: ['d4', ''] } }] },
    })
    expect(found).toEqual({ parents: ['a1', 'b2', 'c3', 'd4'] })
    expect(findReferences(request({ json: { text: '{ref:' } }))).toEqual({ parents: [] })
  })

  it('leaves an app its own $ref', () => {
    const schema = { items: { $ref: '#/$defs/note' }, other: { $ref: { a: 1 } } }
    expect(findReferences(request({ json: schema }))).toEqual({ parents: [] })
    expect(resolveOne({ json: schema }, 1)).toEqual({ ok: true, request: request({ json: schema }) })
  })

  it.each([
    ['no pointer in the address', { url: `${NOTES}/{ref:a1}` }],
    ['no id', { url: `${NOTES}/{ref:#/id}` }],
    ['a brace that is not closed', { url: `${NOTES}/{ref:a1#/id` }],
    ['a pointer without its slash', { url: `${NOTES}/{ref:a1#id}` }],
    ['a bad escape of the pointer', { url: `${NOTES}/{ref:a1#/a~2}` }],
    ['a bad percent-encoding', { url: `${NOTES}/{ref:a1#/%ff}` }],
    ['an address that new URL() has cut', { url: new URL(`${NOTES}/{ref:a1#/id}/photos`).href }],
    ['a header with half a reference', { headers: [['x-a', '{ref:a1#/id'] as const] }],
    ['json with one element', { json: { $ref: ['a1'] } }],
    ['json with a number for an id', { json: { $ref: [1, '/id'] } }],
    ['json with a member beside it', { json: [{ $ref: ['a1', '/id'], other: 1 }] }],
    ['json with three elements', { json: { $ref: ['a1', '/id', 'x'] } }],
  ])('refuses %s', (_what, parts) => {
    expect(() => findReferences(request(parts))).toThrow(expect.objectContaining({ code: 'invalid-mutation' }))
  })
})

describe('resolveReferences', () => {
  it('does what its documentation shows', () => {
    const referring = {
      url: `${NOTES}/{ref:a1#/id}/photos`,
      headers: [],
      json: { note: { $ref: ['a1', '/id'] } },
    }
    const before = structuredClone(referring)
    expect(resolveReferences(referring, new Map([['a1', { id: 7 }]]))).toEqual({
      ok: true,
      request: { url: `${NOTES}/7/photos`, headers: [], json: { note: 7 } },
    })
    expect(referring).toEqual(before)
  })

  it('keeps what else the request has', () => {
    const resolved = resolveReferences({ ...request({}), method: 'PUT' }, new Map())
    expect(resolved).toEqual({ ok: true, request: { ...request({}), method: 'PUT' } })
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
    expect(resolveOne({ json: { $ref: ['a1', pointer] } }, answer)).toMatchObject({ request: { json: expected } })
    if (typeof expected !== 'number') return
    const written = encodeURIComponent(pointer).replaceAll('%2F', '/')
    expect(resolveOne({ url: `${NOTES}/{ref:a1#${written}}` }, answer)).toMatchObject({
      request: { url: `${NOTES}/${expected}` },
    })
  })

  it('says whose answer or which part of it is missing', () => {
    const json = { first: { $ref: ['a1', '/id'] }, second: { $ref: ['b2', '/id'] } }
    expect(resolveReferences(request({ json }), answers({ a1: { id: 1 } }))).toEqual({
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
  })

  it('never reads from a prototype, and keeps __proto__ an ordinary member', () => {
    for (const pointer of ['/constructor', '/__proto__', '/toString', '/list/constructor', '/constructor/name']) {
      expect(resolveOne({ json: { $ref: ['a1', pointer] } }, { list: [] })).toMatchObject({ reason: 'not-found' })
    }
    const json = JSON.parse('{"__proto__":{"id":{"$ref":["a1","/__proto__"]}}}')
    const resolved = resolveOne({ json }, JSON.parse('{"__proto__":"own"}'))
    expect(JSON.stringify(resolved)).toContain('{"__proto__":{"id":"own"}}')
    expect(findReferences(request({ json }))).toEqual({ parents: ['a1'] })
  })

  it('puts any value into json, and null too', () => {
    const json = [{ $ref: ['a1', '/all'] }, { $ref: ['a1', '/none'] }]
    expect(resolveOne({ json }, { all: { deep: [1] }, none: null })).toMatchObject({
      request: { json: [{ deep: [1] }, null] },
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
        const parsed = new URL(resolved.request.url)
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
    expect(resolveOne({ headers }, { id: 'v1' })).toMatchObject({ request: { headers: [['If-Match', '"v1"']] } })
    for (const id of ['a\r\nX-Admin: 1', 'a\nb', 'a\0', '\u20ac', {}, null]) {
      expect(resolveOne({ headers }, { id })).toMatchObject({ ok: false, reason: 'not-usable' })
    }
  })
})

describe('absoluteTemplate', () => {
  it.each([
    ['/api/notes/{ref:a1#/id}', 'https://example.com/api/notes/{ref:a1#/id}'],
    [
      'notes/{ref:a1#/id}/é?x={ref:b2#/a%7Db}#part',
      'https://example.com/app/notes/{ref:a1#/id}/%C3%A9?x={ref:b2#/a%7Db}',
    ],
    ['HTTPS://Other.Example:443/../{ref:a1#/../x}', 'https://other.example/{ref:a1#/../x}'],
    ['/ref-1-/{ref:a1#/id}/ref-x-1-', 'https://example.com/ref-1-/{ref:a1#/id}/ref-x-1-'],
    ['/{ref:a1#/1}{ref:a1#/2}', 'https://example.com/{ref:a1#/1}{ref:a1#/2}'],
    ['{ref:a1#/url}//x', 'https://example.com/app/{ref:a1#/url}//x'],
    ['/plain path', 'https://example.com/plain%20path'],
  ])('makes %s absolute', (url, expected) => {
    expect(absoluteTemplate(url, 'https://example.com/app/')).toBe(expected)
    expect(absoluteTemplate(expected, 'https://unused.example/')).toBe(expected)
  })

  it.each([
    ['the host', 'https://{ref:a1#/host}/api'],
    ['the host after a path of the same name', 'https://{ref:a1#/host}.example/ref-1-'],
    ['the user name', 'https://{ref:a1#/user}@example.com/'],
    ['the port', 'https://example.com:{ref:a1#/port}/'],
    ['the fragment', '/api#{ref:a1#/id}'],
    ['a part of the path that is left again', '/api/{ref:a1#/id}/../x'],
  ])('refuses a reference in %s', (_what, url) => {
    const act = () => absoluteTemplate(url, 'https://example.com/')
    expect(act).toThrow(expect.objectContaining({ code: 'invalid-mutation' }))
  })
})
