import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyMergePatch, combineMergePatches, isJsonObject, isSameJson } from './merge-patch.ts'

// Few names and values, so that patches meet often. `__proto__` must stay an ordinary member.
const json = fc.letrec(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, 0, 'x', true),
    fc.array(tie('value'), { maxLength: 2 }),
    tie('object'),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'), tie('value')), { maxLength: 4 })
    .map(entries => Object.fromEntries(entries)),
}))

describe('applyMergePatch', () => {
  it.each([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ])('does what appendix A of RFC 7396 says: %s and %s', (target, patch, result) => {
    expect(JSON.stringify(applyMergePatch(JSON.parse(target), JSON.parse(patch)))).toBe(result)
  })

  it('takes __proto__ for a member like any other', () => {
    const patched = applyMergePatch({}, JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"b":1}}}'))
    expect(JSON.stringify(patched)).toBe('{"__proto__":{"admin":true},"constructor":{"prototype":{"b":1}}}')
    expect(Object.getPrototypeOf(patched)).toBe(Object.prototype)
    expect(({} as { admin?: boolean; b?: number }).admin).toBeUndefined()
    expect(Object.prototype).not.toHaveProperty('b')
  })

  it('changes neither the document nor the patch', () => {
    fc.assert(
      fc.property(json.value, json.value, json.value, (document, first, second) => {
        const before = JSON.stringify([document, first, second])
        applyMergePatch(document, first)
        combineMergePatches(first, second)
        expect(JSON.stringify([document, first, second])).toBe(before)
      }),
    )
  })
})

describe('combineMergePatches', () => {
  it('has the effect of the first and then the second', () => {
    let combinedOnes = 0
    fc.assert(
      fc.property(json.value, json.object, json.object, (document, first, second) => {
        const combined = combineMergePatches(first, second)
        if (combined.kind === 'inexpressible') return
        combinedOnes += 1
        const oneByOne = applyMergePatch(applyMergePatch(document, first), second)
        expect(isSameJson(applyMergePatch(document, combined.patch), oneByOne)).toBe(true)
      }),
      { numRuns: 2000 },
    )
    expect(combinedOnes).toBeGreaterThan(1000)
  })

  it('says so where no patch has that effect', () => {
    for (const replaced of [null, 1, 'x', [1]]) {
      expect(combineMergePatches({ a: replaced }, { a: { x: 1 } })).toEqual({ kind: 'inexpressible' })
    }
    // Nothing that a patch could hold at `a` does it: a merge keeps `z`, and a value is no object.
    const oneByOne = applyMergePatch(applyMergePatch({ a: { z: 1 } }, { a: null }), { a: { x: 1 } })
    expect(oneByOne).toEqual({ a: { x: 1 } })
    expect(applyMergePatch({ a: { z: 1 } }, { a: { x: 1 } })).toEqual({ a: { x: 1, z: 1 } })
  })

  it('is inexpressible only where an object follows a value that is none', () => {
    fc.assert(
      fc.property(json.object, json.object, (first, second) => {
        expect(combineMergePatches(first, second).kind === 'inexpressible').toBe(objectAfterValue(first, second))
      }),
    )
  })
})

describe('isSameJson', () => {
  it('does not mind the order of members, and minds everything else', () => {
    expect(isSameJson({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 })).toBe(true)
    expect(isSameJson({ a: undefined }, { b: undefined })).toBe(false)
    expect(isSameJson([], {})).toBe(false)
    expect(isSameJson([1, 2], [2, 1])).toBe(false)
    expect(isSameJson({ toString: 1 }, {})).toBe(false)
    fc.assert(fc.property(json.value, value => isSameJson(value, JSON.parse(JSON.stringify(value)))))
  })
})

function objectAfterValue(first: Record<string, unknown>, second: Record<string, unknown>): boolean {
  return Object.keys(second).some(name => {
    const [before, after] = [first[name], second[name]]
    if (!Object.hasOwn(first, name) || !isJsonObject(after)) return false
    return isJsonObject(before) ? objectAfterValue(before, after) : true
  })
}
