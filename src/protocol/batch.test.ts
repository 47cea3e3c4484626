import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BATCH_LIMITS,
  type BatchMember,
  encodeBatch,
  encodeBatchAnswers,
  parseBatchAnswer,
  parseBatchRequest,
} from './batch.ts'

const MEMBER: BatchMember = { id: 'a1', method: 'POST', url: '/api/notes', headers: {} }

function textOf(members: BatchMember[]): string {
  const { text, count } = encodeBatch(members)
  expect(count).toBe(members.length)
  return text
}

function request(member: object, frame: object = {}): string {
  return JSON.stringify({ version: 1, requests: [{ ...MEMBER, ...member }], ...frame })
}

describe('a batch', () => {
  it('is read as it was written', () => {
    const members: BatchMember[] = [
      { ...MEMBER, headers: { 'content-type': 'application/json' }, body: { kind: 'json', json: { text: 'Fern' } } },
      { ...MEMBER, id: 'a2', method: 'PUT', url: '/api/notes/1?x=%20y', body: { kind: 'text', text: 'é\ud83c\udf3f' } },
      { ...MEMBER, id: 'a3', method: 'PATCH', body: { kind: 'base64', data: 'AAEC/w==' }, entity: 'note:1' },
      { ...MEMBER, id: 'a4', method: 'DELETE' },
      { ...MEMBER, id: 'a5', body: { kind: 'json', json: null } },
    ]
    expect(parseBatchRequest(textOf(members))).toEqual({ kind: 'batch', members })
    expect(parseBatchRequest(textOf([]))).toEqual({ kind: 'batch', members: [] })
  })

  it('makes names of headers lower case', () => {
    const parsed = parseBatchRequest(request({ headers: { 'Content-Type': 'text/plain' } }))
    expect(parsed).toMatchObject({ members: [{ headers: { 'content-type': 'text/plain' } }] })
  })

  it('takes as many members as fit, and says when not even one does', () => {
    const members = Array.from({ length: 150 }, (_, index): BatchMember => ({ ...MEMBER, id: `a${index}` }))
    expect(encodeBatch(members)).toMatchObject({ count: BATCH_LIMITS.members })
    expect(encodeBatch(members, { members: 1000, bytes: 900 })).toMatchObject({ count: 4 })
    expect(encodeBatch(members, { members: 1000, bytes: 150 })).toMatchObject({ count: 0 })
  })

  it('keeps to the limit in bytes, whatever it is written in', () => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom('a', 'é', '€', '\ud83c\udf3f', '\ud800'), fc.string()) })
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), fc.integer({ min: 200, max: 3000 }), (texts, bytes) => {
        const members = texts.map(
          (text, index): BatchMember => ({ ...MEMBER, id: `a${index}`, body: { kind: 'text', text } }),
        )
        const encoded = encodeBatch(members, { members: 100, bytes })
        expect(new TextEncoder().encode(encoded.text).length).toBeLessThanOrEqual(bytes)
        expect(parseBatchRequest(encoded.text)).toMatchObject({ kind: 'batch' })
        const next = encodeBatch(members.slice(0, encoded.count + 1))
        if (next.count > encoded.count) expect(next.text.length * 3).toBeGreaterThan(bytes - 3)
      }),
    )
  })

  it.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['no version', JSON.stringify({ requests: [] })],
    ['another version', JSON.stringify({ version: 2, requests: [] })],
    ['no requests', JSON.stringify({ version: 1, requests: {} })],
    ['an unknown member', request({}, { atomic: true })],
    ['an unknown member of a request', request({ ifMatch: '"1"' })],
    ['a request that is none', JSON.stringify({ version: 1, requests: [null] })],
    ['an id twice', JSON.stringify({ version: 1, requests: [MEMBER, MEMBER] })],
    ['an empty id', request({ id: '' })],
    ['an id of 256 characters', request({ id: 'k'.repeat(256) })],
    ['an id with a line break', request({ id: 'a\nb' })],
    ['a quoted id', request({ id: '"a"' })],
    ['a read', request({ method: 'GET' })],
    ['a method in lower case', request({ method: 'post' })],
    ['an absolute address', request({ url: 'https://evil.example/' })],
    ['another host', request({ url: '//evil.example/' })],
    ['another host with a backslash', request({ url: '/\\evil.example/' })],
    ['another host behind a tab', request({ url: '/\t/evil.example/' })],
    ['a relative path', request({ url: 'notes' })],
    ['a fragment', request({ url: '/notes#1' })],
    ['no headers', request({ headers: undefined })],
    ['a header with a line break', request({ headers: { a: 'b\r\nc: d' } })],
    ['a header that is no text', request({ headers: { a: 1 } })],
    ['a name that is none', request({ headers: { 'a b': 'c' } })],
    ['a header twice', request({ headers: { a: '1', A: '2' } })],
    ['a body without a kind', request({ body: { json: 1 } })],
    ['a body of an unknown kind', request({ body: { kind: 'toString' } })],
    ['a body without content', request({ body: { kind: 'json' } })],
    ['a body with other content', request({ body: { kind: 'text', text: 1 } })],
    ['an unknown member of a body', request({ body: { kind: 'text', text: '', charset: 'x' } })],
    ['data that is not base64', request({ body: { kind: 'base64', data: 'AA=A' } })],
    ['data of the wrong length', request({ body: { kind: 'base64', data: 'AAA' } })],
    ['an entity that is no text', request({ entity: 1 })],
  ])('is refused with %s', (_what, text) => {
    expect(parseBatchRequest(text)).toMatchObject({ kind: 'malformed', reason: expect.any(String) })
  })

  it('is refused with too many members', () => {
    const requests = Array.from({ length: 101 }, (_, index) => ({ ...MEMBER, id: `a${index}` }))
    expect(parseBatchRequest(JSON.stringify({ version: 1, requests }))).toEqual({ kind: 'too-many' })
  })
})

describe('the answer to a batch', () => {
  const answer = { id: 'a1', status: 201, headers: { etag: '"1"' }, body: { kind: 'json', json: { id: 7 } } } as const

  it('is read as it was written, in any order', () => {
    const answers = [{ id: 'a2', status: 204, headers: {} }, answer]
    const read = parseBatchAnswer(encodeBatchAnswers(answers), ['a1', 'a2', 'a3'])
    expect([...(read ?? [])]).toEqual([
      ['a2', answers[0]],
      ['a1', answer],
    ])
  })

  it('may say more than the client knows', () => {
    const text = JSON.stringify({
      version: 1,
      answers: [{ ...answer, more: 1, body: { kind: 'text', text: 'x', more: 1 } }],
      more: 1,
    })
    expect(parseBatchAnswer(text, ['a1'])?.get('a1')).toMatchObject({ status: 201, body: { text: 'x' } })
  })

  it.each([
    ['no JSON', 'Bad gateway'],
    ['another version', JSON.stringify({ version: 2, answers: [] })],
    ['no answers', JSON.stringify({ version: 1 })],
    ['an id that was not asked for', encodeBatchAnswers([{ ...answer, id: 'b' }])],
    ['an id twice', encodeBatchAnswers([answer, answer])],
    ['a status that is none', encodeBatchAnswers([{ ...answer, status: 99 }])],
    ['a status that is not final', encodeBatchAnswers([{ ...answer, status: 100 }])],
    ['a status that is not whole', encodeBatchAnswers([{ ...answer, status: 200.5 }])],
    ['a status as text', JSON.stringify({ version: 1, answers: [{ ...answer, status: '200' }] })],
    ['no headers', JSON.stringify({ version: 1, answers: [{ id: 'a1', status: 200 }] })],
    ['a body that is none', JSON.stringify({ version: 1, answers: [{ ...answer, body: 'x' }] })],
    ['a body without content', JSON.stringify({ version: 1, answers: [{ ...answer, body: { kind: 'json' } }] })],
    ['null for a body', JSON.stringify({ version: 1, answers: [{ ...answer, body: null }] })],
    ['an answer that is none', JSON.stringify({ version: 1, answers: [null] })],
    ['a header that is no text', JSON.stringify({ version: 1, answers: [{ ...answer, headers: { a: 1 } }] })],
    ['a header with a line break', JSON.stringify({ version: 1, answers: [{ ...answer, headers: { a: 'b\nc' } }] })],
    ['a header twice', JSON.stringify({ version: 1, answers: [{ ...answer, headers: { a: '1', A: '2' } }] })],
  ])('is refused as a whole with %s', (_what, text) => {
    expect(parseBatchAnswer(text, ['a1', 'a2'])).toBeUndefined()
  })
})
