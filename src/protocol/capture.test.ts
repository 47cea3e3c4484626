import { describe, expect, it } from 'vitest'
import { type CaptureRule, checkCaptureRules, createCaptureMatcher } from './capture.ts'

describe('checkCaptureRules', () => {
  it('gives rules in full', () => {
    const rule: CaptureRule = {
      match: '/api/notes/**',
      entity: 'notes',
      timeoutMs: 10_000,
      retry: { attempts: 3 },
      limits: {},
    }
    expect(checkCaptureRules(['/api/**', /\/rpc$/, rule])).toEqual([{ match: '/api/**' }, { match: /\/rpc$/ }, rule])
    expect(checkCaptureRules(undefined)).toEqual([])
  })

  it.each<[string, unknown, RegExp]>([
    ['what is no list', '/api/**', /queue: it is not an array/],
    ['what is no rule', [7], /queue\[0\]: it is no rule/],
    ['a glob that matches nothing', ['/api/**', 'api'], /queue\[1\]\.match/],
    ['a rule without match', [{ match: undefined }], /queue\[0\]\.match/],
    ['an unknown name', [{ match: '/a', timeout: 3 }], /queue\[0\]\.timeout: there is none of that name/],
    ['a name of Object', [{ match: '/a', toString: 3 }], /queue\[0\]\.toString: there is none/],
    ['a method that reads', [{ match: '/a', methods: ['GET'] }], /methods/],
    ['no methods', [{ match: '/a', methods: [] }], /methods/],
    ['an empty entity', [{ match: '/a', entity: '' }], /entity/],
    ['half a priority', [{ match: '/a', priority: 0.5 }], /priority/],
    ['a priority out of range', [{ match: '/a', priority: 10_001 }], /priority/],
    ['an unknown way to coalesce', [{ match: '/a', coalesce: true }], /coalesce/],
    ['no time at all', [{ match: '/a', timeoutMs: 0 }], /timeoutMs/],
    ['another answer', [{ match: '/a', otherwise: 'throw' }], /otherwise/],
    ['a function in place of its name', [{ match: '/a', handler: () => ({}) }], /handler/],
    ['no attempts', [{ match: '/a', retry: { attempts: 0 } }], /retry/],
    ['a time that cannot be written', [{ match: '/a', retry: { maxAgeMs: Number.POSITIVE_INFINITY } }], /retry/],
    ['an unknown member of retry', [{ match: '/a', retry: { attempt: 3 } }], /retry/],
    ['a limit below 0', [{ match: '/a', limits: { mutations: -1 } }], /limits/],
    ['limits that are none', [{ match: '/a', limits: 7 }], /limits/],
    ['a key in place of a yes', [{ match: '/a', sendKey: 'abc' }], /sendKey/],
    ['a page that is none', [{ match: '/a', page: 7 }], /page/],
  ])('refuses %s', (_, rules, message) => {
    expect(() => checkCaptureRules(rules)).toThrow(expect.objectContaining({ code: 'invalid-options' }))
    expect(() => checkCaptureRules(rules)).toThrow(message)
  })
})

describe('createCaptureMatcher', () => {
  it('matches writes only, and those of other origins by their whole address', () => {
    const matches = createCaptureMatcher({ match: '/api/**' })
    const url = new URL('https://app.example/api/notes?x=1')
    expect(['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'OPTIONS'].map(method => matches(method, url, true))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ])
    expect(matches('POST', url, false)).toBe(false)
    expect(createCaptureMatcher({ match: 'https://app.example/**' })('POST', url, false)).toBe(true)
    expect(createCaptureMatcher({ match: '/api/**', methods: ['PUT'] })('POST', url, true)).toBe(false)
  })
})
