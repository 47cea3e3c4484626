import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRateLimit } from './rate-limit-fields.ts'

const read = (fields: Record<string, string>) => readRateLimit(new Headers(fields))

describe('readRateLimit', () => {
  it('reads what is left, and for how long', () => {
    expect(readRateLimit(new Headers({ ratelimit: '"default";r=50;t=30' }))).toEqual({
      remaining: 50,
      resetMs: 30_000,
      policies: [],
    })
  })

  it('reads the policies, with every parameter', () => {
    const policy = '"burst";q=100;w=60,"bytes";q=65535;qu="content-bytes";w=10;pk=:sdfjLJUOUH==:;acme=1'
    expect(read({ 'ratelimit-policy': policy })).toEqual({
      policies: [
        { name: 'burst', quota: 100, unit: 'requests', windowMs: 60_000 },
        { name: 'bytes', quota: 65_535, unit: 'content-bytes', windowMs: 10_000, partition: 'sdfjLJUOUH==' },
      ],
    })
  })

  it.each([
    ['"daily";r=10;t=80000,"burst";r=0;t=3', 0, 3_000],
    ['"burst";r=0;t=3,"daily";r=0;t=80000', 0, 80_000_000],
    ['"burst";r=90;t=60,"daily";r=5;t=3600', 5, 3_600_000],
  ])('gives the tightest of %s', (ratelimit, remaining, resetMs) =>
    expect(read({ ratelimit })).toMatchObject({ remaining, resetMs }),
  )

  it("takes the policy's window where the time is not said", () => {
    expect(read({ ratelimit: '"a";r=3', 'ratelimit-policy': '"a";q=9;w=10' })).toMatchObject({ resetMs: 10_000 })
    expect(read({ ratelimit: '"a";r=3' })).toEqual({ remaining: 3, resetMs: undefined, policies: [] })
  })

  it('does not take bytes, or requests at once, for requests over time', () => {
    const policy = '"a";q=4;qu="concurrent-requests","b";q=9;qu="content-bytes"'
    const limit = read({ ratelimit: '"a";r=0;t=9,"b";r=0;t=9', 'ratelimit-policy': policy })
    expect(limit?.remaining).toBeUndefined()
    expect(limit?.policies).toHaveLength(2)
  })

  it('ignores both on an answer out of a cache', () => {
    expect(read({ ratelimit: '"a";r=0;t=9', age: '1' })).toBeUndefined()
    expect(read({ ratelimit: '"a";r=0;t=9', age: '0' })).toBeDefined()
  })

  it.each([
    '"a"',
    '"a";r',
    '"a";r="5"',
    '"a";r=-1',
    '"a";r=1.0',
    '"a";r=5;t=-1',
    '"a";r=5;t="3"',
    '"a";r=5;pk="x"',
    '"a";r=5,"b"',
    'a;r=5',
    'limit=100, remaining=50, reset=5',
  ])('ignores the malformed %s', ratelimit => expect(read({ ratelimit })).toBeUndefined())

  it.each(['"a"', '"a";q=-1', '"a";q=1;w=0', '"a";q=1;w=1.5', '"a";q=1;qu=requests', '"a";q=1;pk="x"', '10;w=1'])(
    'ignores the malformed policy %s',
    policy => expect(read({ 'ratelimit-policy': policy })).toBeUndefined(),
  )

  it('never throws, and never gives a number below zero', () => {
    const parts = fc.constantFrom(
      '"a"',
      ';r=',
      ';t=',
      ';q=',
      ';pk=',
      '5',
      '-1',
      ',',
      ' ',
      ':YQ==:',
      '99999999999999999',
    )
    const field = fc.oneof(
      fc.array(parts).map(all => all.join('')),
      fc.string().map(onlyPrintable),
    )
    fc.assert(
      fc.property(field, field, (ratelimit, policy) => {
        const limit = read({ ratelimit, 'ratelimit-policy': policy })
        expect(limit?.remaining ?? 0).toBeGreaterThanOrEqual(0)
        expect(limit?.resetMs ?? 0).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

/** `Headers` itself takes nothing else. */
function onlyPrintable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '')
}
