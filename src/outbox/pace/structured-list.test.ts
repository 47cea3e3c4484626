import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseStringList } from './structured-list.ts'

describe('parseStringList', () => {
  it('reads strings with parameters', () => {
    const items = parseStringList(' "a \\"b\\\\";r=5; t=-1;flag;pk=:cHM=:;qu="x" \t,\t "c";n=1.5;k=tok/en;d=@1;b=?0 ')
    expect(items?.map(({ value }) => value)).toEqual(['a "b\\', 'c'])
    expect(Object.fromEntries(items?.[0]?.parameters ?? [])).toEqual({
      r: { type: 'integer', value: 5 },
      t: { type: 'integer', value: -1 },
      flag: { type: 'other' },
      pk: { type: 'bytes', value: 'cHM=' },
      qu: { type: 'string', value: 'x' },
    })
    expect([...(items?.[1]?.parameters.values() ?? [])].every(({ type }) => type === 'other')).toBe(true)
  })

  it('takes the last of two parameters of one name', () => {
    expect(parseStringList('"a";r=1;r=2')?.[0]?.parameters.get('r')).toEqual({ type: 'integer', value: 2 })
  })

  it.each([
    '',
    ' ',
    'a',
    '1',
    '("a")',
    '"a',
    '"a"x',
    '"a" "b"',
    '"a",',
    ',"a"',
    '"a";',
    '"a" ;r=1',
    '"a";R=1',
    '"a";r=',
    '"a";r= 1',
    '"a";r =1',
    '"a";r=1234567890123456',
    '"a";r=1.2345',
    '"a\\n"',
    '"ä"',
    '"a";r=1\t;t=1',
    '\t"a"',
  ])('refuses %j', field => expect(parseStringList(field)).toBeUndefined())

  it('never throws, and never takes long', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), field => void parseStringList(field)))
    const alphabet = fc.constantFrom('"', 'a', ';', 'r', '=', '1', ',', ' ', '\\', ':', '.', '-', '%', '?')
    fc.assert(fc.property(fc.string({ unit: alphabet, maxLength: 60 }), field => void parseStringList(field)))
    const startedAt = performance.now()
    for (const unit of ['"', '\\"', ';a', '"a",', '"a";r=%"', ' ']) parseStringList(`"${unit.repeat(20_000)}`)
    for (const unit of ['"', '\\"', ';a', '"a",', '"a";r=%"', ' ']) {
      for (const start of ['', '"a"', '"a";a="']) parseStringList(start + unit.repeat(8_000 / unit.length))
    }
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})
