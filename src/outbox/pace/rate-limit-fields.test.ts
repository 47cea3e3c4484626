import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRateLimit } from './rate-limit-fields.ts'

const read = (fields: Record<string, string>) => readRateLimit(new Headers(fields))

describe('readRateLimit', () => {
  it('reads what is left, and for how long', () => {
    expect(readRateLimit(new Headers({ ratelimit: '"default";r=50;t=30' })).quota?.remaining).toBe(50)
    expect(read({ ratelimit: '"default";r=50;t=30' }).quota?.resetMs).toBe(30_000)
  })

  it('says nothing where nothing is said', () => {
    expect(read({})).toEqual({})
    expect(read({ ratelimit: '' })).toEqual({})
    expect(read({ ratelimit: '"a";r=3' })).toEqual({})
  })

  it('reads over parameters of every type, in any order, and takes the last of two of one name', () => {
    const ratelimit = ' "a,b";acme="x;r=1,";flag; t=9;pk=:cHM=:;n=-1.5;k=to/k:en;d=@1;b=?0;r=1;r=7 \t,\t"c";r=500;t=1'
    expect(read({ ratelimit }).quota).toMatchObject({ remaining: 7, resetMs: 9_000 })
  })

  it.each([
    ['"daily";r=10;t=80000,"burst";r=0;t=3', 0, 3_000],
    ['"burst";r=0;t=3,"daily";r=0;t=80000', 0, 80_000_000],
    ['"burst";r=90;t=60,"daily";r=5;t=3600', 5, 3_600_000],
  ])('gives the tightest of %s', (ratelimit, remaining, resetMs) =>
    expect(read({ ratelimit }).quota).toMatchObject({ remaining, resetMs }),
  )

  it("takes the policy's window where the time is not said", () => {
    const policy = '"other";q=9;w=1,"a";q=9;w=10'
    expect(read({ ratelimit: '"a";r=3', 'ratelimit-policy': policy }).quota?.resetMs).toBe(10_000)
    expect(read({ ratelimit: '"a";r=3;t=0', 'ratelimit-policy': policy }).quota).toBeUndefined()
  })

  it('does not take bytes, or requests at once, for requests over time', () => {
    const policy = '"a";q=4;qu="concurrent-requests","b";q=9;qu="content-bytes","c";q=3;qu="concurrent-requests"'
    expect(read({ ratelimit: '"a";r=0;t=9,"b";r=0;t=9', 'ratelimit-policy': policy })).toEqual({ atOnce: 3 })
    expect(read({ ratelimit: '"a";r=0;t=9', 'ratelimit-policy': '"a";q=4;qu="requests"' }).quota).toBeDefined()
  })

  it('ignores both on an answer out of a cache', () => {
    expect(read({ ratelimit: '"a";r=0;t=9', age: '1' })).toEqual({})
    expect(read({ ratelimit: '"a";r=0;t=9', age: '0' }).quota).toBeDefined()
  })

  // Each with a good item beside it: a malformed field counts as a whole.
  it.each([
    '"a"',
    '"a";r',
    '"a";r="5"',
    '"a";r=-1',
    '"a";r=1.0',
    '"a";r=1234567890123456',
    '"a";r=5;t',
    '"a";r=5;t=-1',
    '"a";r=5;t="3"',
    '"a";r=5;acme="x',
    '"a";r=5;',
    '"a" ;r=5',
    '"a";r= 5',
    '"a";r =5',
    '"a";R=5',
    '"a" "b"',
    '"a',
    'a;r=5',
    '("a");r=5',
    '',
    '5',
    'limit=100, remaining=50, reset=5',
  ])('ignores a list with %j', item => {
    expect(read({ ratelimit: `"good";r=5;t=3,${item}` })).toEqual({})
    expect(read({ ratelimit: `${item},"good";r=5;t=3` })).toEqual({})
    const policy = item.replace(';r', ';q').replace(';t', ';w')
    expect(read({ 'ratelimit-policy': `"good";q=5;qu="concurrent-requests",${policy}` })).toEqual({})
  })

  it('never throws, never takes long, and never gives a number that cannot be used', () => {
    const parts = [
      '"a"',
      ';r=',
      ';t=',
      ';q=',
      ';pk=',
      ';w=',
      ';qu=',
      '5',
      '-1',
      ',',
      ' ',
      ':YQ==:',
      '99999999999999999',
    ]
    const field = fc.oneof(
      fc.array(fc.constantFrom(...parts)).map(all => all.join('')),
      fc.string().map(onlyPrintable),
    )
    fc.assert(
      fc.property(field, field, (ratelimit, policy) => {
        const { quota, atOnce } = read({ ratelimit, 'ratelimit-policy': policy })
        expect(quota?.remaining ?? 0).toBeGreaterThanOrEqual(0)
        expect(quota?.resetMs ?? 1).toBeGreaterThan(0)
        expect(atOnce ?? 0).toBeGreaterThanOrEqual(0)
      }),
    )
    const startedAt = performance.now()
    for (const start of ['"', '"a"', '"a";a="', '"a";a=']) {
      for (const unit of ['"', '\\"', ';a', '"a",', '"a";r=%"', ' ', ';', 'a', ',', '=']) {
        read({ ratelimit: start + unit.repeat(100_000) })
      }
    }
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})

/** `Headers` itself takes nothing else. */
function onlyPrintable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '')
}
