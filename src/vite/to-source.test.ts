import { runInThisContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { toSource } from './to-source.ts'

describe('toSource', () => {
  it('gives the documented text', () => {
    expect(toSource({ match: /^\/api/i, timeoutMs: 3000 })).toBe('{"match": /^\\/api/i, "timeoutMs": 3000}')
  })

  it.each([
    [[{ match: /a\/b[/"']\n/giu, strategy: 'cache-first' }, { match: '/x/**' }]],
    [{ url: "it's </script> `", deny: [/^\/oauth\//] }],
    [{ a: null, b: false, c: [1, -0.5], 'odd key': '\u2028' }],
    ['text'],
    [false],
  ])('evaluates to what it was made from: %o', value => {
    expect(runInThisContext(`(${toSource(value)})`)).toEqual(value)
  })

  it('leaves out what is undefined', () => {
    expect(toSource({ a: undefined, b: 1 })).toBe('{"b": 1}')
    expect(toSource(undefined)).toBe('undefined')
  })
})
