import { describe, expect, it } from 'vitest'
import { FAILURES, type JudgedAnswer, judgeAnswer, judgeFailure, OUTCOMES, type VerdictKind } from './outcome-table.ts'

const PROBLEM = { type: 'about:blank' }
const IN_PROGRESS = 'urn:problem-type:holdfast:idempotency-key-in-progress'

function kindOf(status: number): VerdictKind {
  return judgeAnswer({ status, headers: {} }).kind
}

describe('the table of outcomes', () => {
  it('has a verdict for every number, and success only for 2xx', () => {
    const retried = new Set([408, 425, 429, ...range(500, 599)])
    for (const status of [501, 505]) retried.delete(status)
    for (const status of range(0, 999)) {
      const expected =
        status >= 200 && status <= 299
          ? 'confirmed'
          : status === 401
            ? 'hold'
            : status === 409 || status === 412
              ? 'conflict'
              : retried.has(status)
                ? 'retry'
                : 'refused'
      expect([status, kindOf(status)]).toEqual([status, expected])
    }
    for (const status of [Number.NaN, -1, Number.POSITIVE_INFINITY]) expect(kindOf(status)).toBe('refused')
  })

  it('has no row that never speaks', () => {
    const answers = range(-1, 999).flatMap((status): JudgedAnswer[] => [
      { status, headers: {} },
      { status, headers: {}, redirected: true },
      { status, headers: {}, type: 'opaqueredirect' },
      { status, headers: {}, problem: { type: IN_PROGRESS } },
      { status, headers: { 'retry-after': '1' } },
    ])
    const spoken = new Set(
      answers.flatMap(answer => [judgeAnswer(answer), judgeAnswer(answer, { forbidden: 'hold' })]).map(signature),
    )
    for (const row of OUTCOMES) expect([...spoken]).toContain(signature(row))
  })

  it('takes 403 for a hold only where the app says so', () => {
    expect(kindOf(403)).toBe('refused')
    expect(judgeAnswer({ status: 403, headers: {} }, { forbidden: 'hold' })).toMatchObject({
      kind: 'hold',
      code: 'forbidden',
    })
    expect(judgeAnswer({ status: 404, headers: {} }, { forbidden: 'hold' }).kind).toBe('refused')
  })

  it.each([
    IN_PROGRESS,
    'https://api.example.com/problems/idempotency-key-in-progress',
    'https://api.example.com/errors#idempotency-key-in-use',
    'https://developer.example.com/idempotency',
  ])('tries again where the same key is in progress: %s', type => {
    const verdict = judgeAnswer({ status: 409, headers: {}, problem: { type } })
    expect(verdict).toMatchObject({ kind: 'retry', code: 'key-in-progress', uncertain: false })
  })

  it.each([
    'about:blank',
    'urn:problem-type:holdfast:idempotency-key-reused',
    'https://api.example.com/no-idempotency',
    'https://api.example.com/idempotency/edit-conflict',
  ])('takes every other 409 with a problem for a conflict: %s', type => {
    const answer = { status: 409, headers: { 'retry-after': '1' }, problem: { type } }
    expect(judgeAnswer(answer)).toMatchObject({ kind: 'conflict', code: 'conflict' })
  })

  it('goes by Retry-After where a 409 says nothing else', () => {
    expect(judgeAnswer({ status: 409, headers: { 'retry-after': '2' } })).toMatchObject({ kind: 'retry', code: 'busy' })
    expect(judgeAnswer({ status: 400, headers: { 'retry-after': '2' } }).kind).toBe('refused')
  })

  it('does not read the text of a problem', () => {
    const problem = { ...PROBLEM, title: 'idempotency-key-in-progress', detail: 'Please retry' }
    expect(judgeAnswer({ status: 409, headers: {}, problem }).kind).toBe('conflict')
  })

  it('takes no redirected or opaque answer for success', () => {
    const page = { status: 200, headers: {}, redirected: true }
    expect(judgeAnswer(page)).toMatchObject({ kind: 'refused', code: 'redirected', uncertain: true })
    expect(judgeAnswer(page, { trustRedirects: true }).kind).toBe('confirmed')
    expect(judgeAnswer({ status: 503, headers: {}, redirected: true }).kind).toBe('retry')
    const opaque = { status: 0, headers: {}, type: 'opaque' as const }
    expect(judgeAnswer(opaque)).toMatchObject({ kind: 'refused', code: 'unknown', uncertain: true })
    expect(judgeAnswer({ ...opaque, type: 'opaqueredirect' })).toMatchObject({ kind: 'refused', code: 'redirected' })
    expect(judgeAnswer({ status: 304, headers: {} })).toMatchObject({ kind: 'refused', code: 'unknown' })
  })

  it('counts no attempt for a hold or a captive portal, and one for every other failure', () => {
    for (const status of range(300, 999)) {
      expect([status, judgeAnswer({ status, headers: {} }).costsAttempt]).toEqual([
        status,
        ![401, 511].includes(status),
      ])
    }
  })

  it('knows which answers leave it open whether the write was done', () => {
    const open = [0, 303, 500, 502, 504, 999]
    const settled = [200, 401, 409, 412, 422, 425, 429, 501, 503, 511]
    expect(open.filter(status => !judgeAnswer({ status, headers: {} }).uncertain)).toEqual([])
    expect(settled.filter(status => judgeAnswer({ status, headers: {} }).uncertain)).toEqual([])
  })
})

describe('an attempt without a whole answer', () => {
  it('is tried again, and is certain only where nothing has left the device', () => {
    expect(judgeFailure('offline')).toMatchObject({ kind: 'retry', costsAttempt: false, uncertain: false })
    expect(judgeFailure('network')).toMatchObject({ kind: 'retry', costsAttempt: false, uncertain: true })
    expect(judgeFailure('timeout')).toMatchObject({ kind: 'retry', costsAttempt: false, uncertain: true })
    expect(judgeFailure('cut-off')).toMatchObject({ kind: 'retry', costsAttempt: true, uncertain: true })
    expect(Object.keys(FAILURES)).toHaveLength(4)
  })
})

function signature({ kind, code, reason }: { kind: string; code: string; reason: string }): string {
  return `${kind} ${code} ${reason}`
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}
