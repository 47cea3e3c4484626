import { describe, expect, it } from 'vitest'
import { type Judge, judgeByApp } from './own-judge.ts'

const PROBLEM = { type: 'about:blank' }

describe("the app's own judge", () => {
  const gone: Judge = ({ status }) => (status === 404 ? { kind: 'confirmed' } : undefined)

  it('comes before the table, and leaves to it what it does not know', () => {
    expect(judgeByApp({ status: 404, headers: {} }, gone)).toMatchObject({
      kind: 'confirmed',
      code: 'judged',
    })
    expect(judgeByApp({ status: 410, headers: {} }, gone)).toMatchObject({
      kind: 'refused',
      code: 'refused',
    })
  })

  it('sees status, headers, problem and body, and may say everything that a row says', () => {
    const judge: Judge = ({ status, headers, problem, body }) => ({
      kind: 'retry',
      reason: JSON.stringify([status, headers, problem, body]),
      costsAttempt: false,
      uncertain: true,
    })
    const answer = { status: 200, headers: { a: 'b' }, problem: PROBLEM, body: { queued: true } }
    expect(judgeByApp(answer, judge)).toEqual({
      kind: 'retry',
      code: 'judged',
      reason: '[200,{"a":"b"},{"type":"about:blank"},{"queued":true}]',
      costsAttempt: false,
      uncertain: true,
    })
  })

  it('is not asked about what cannot be read', () => {
    const judge: Judge = () => ({ kind: 'confirmed' })
    for (const type of ['opaque', 'opaqueredirect', 'error'] as const) {
      expect(judgeByApp({ status: 0, headers: {}, type }, judge).kind).toBe('refused')
    }
  })

  it('is passed over, with its error, when it throws or speaks nonsense', () => {
    const broken: Judge = () => {
      throw new Error('oops')
    }
    expect(judgeByApp({ status: 503, headers: {} }, broken)).toMatchObject({
      kind: 'retry',
      judgeError: new Error('oops'),
    })
    const nonsense = (() => ({ kind: 'toString' })) as unknown as Judge
    expect(judgeByApp({ status: 503, headers: {} }, nonsense)).toMatchObject({
      kind: 'retry',
      judgeError: { kind: 'toString' },
    })
    const nothing = (() => null) as unknown as Judge
    expect(judgeByApp({ status: 503, headers: {} }, nothing)).toMatchObject({ kind: 'retry' })
  })
})
