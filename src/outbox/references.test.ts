import { describe, expect, it } from 'vitest'
import { absoluteTemplate, findReferences, type ReferringInput } from './references.ts'

const NOTES = 'https://example.com/api/notes'

function request(parts: Partial<ReferringInput>): ReferringInput {
  return { url: NOTES, headers: [], ...parts }
}

describe('findReferences', () => {
  it('finds each once, in address, headers and json', () => {
    const found = findReferences({
      url: `${NOTES}/{ref:a1#/id}/photos?of={ref:b2#/items/0/id}`,
      headers: [['If-Match', '{ref:c3#/etag}']],
      json: {
        note: { $ref: ['a1', '/id'] },
        list: [1, { deep: { $ref: ['d4', ''] } }, { $ref: ['a1', '/etag'] }, { $ref: ['d4', ''] }],
      },
    })
    expect(found.references).toEqual([
      ['a1', '/id'],
      ['b2', '/items/0/id'],
      ['c3', '/etag'],
      ['d4', ''],
      ['a1', '/etag'],
    ])
    expect(findReferences(request({ json: { text: '{ref:' } }))).toEqual({ references: [] })
  })

  it('does what its documentation shows', () => {
    expect(findReferences({ url: 'https://example.com/api/notes/{ref:a1#/id}/photos', headers: [] })).toEqual({
      references: [['a1', '/id']],
    })
  })

  it('leaves an app its own $ref', () => {
    const schema = { items: { $ref: '#/$defs/note' }, other: { $ref: { a: 1 } } }
    expect(findReferences(request({ json: schema }))).toEqual({ references: [] })
  })

  it('keeps __proto__ an ordinary member', () => {
    const json = JSON.parse('{"__proto__":{"id":{"$ref":["a1","/__proto__"]}}}')
    expect(findReferences(request({ json }))).toEqual({ references: [['a1', '/__proto__']] })
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
