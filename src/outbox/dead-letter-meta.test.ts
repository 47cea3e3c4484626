import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMeta, encodeMeta } from './dead-letter-meta.ts'

const through = async (value: unknown) => decodeMeta(JSON.parse(JSON.stringify(await encodeMeta(value))))

const leaf = fc.oneof(
  fc.string(),
  fc.double(),
  fc.boolean(),
  fc.constantFrom(null, undefined, -0),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.uint8Array().map(bytes => new DataView(bytes.slice().buffer)),
  fc.uint8Array().map(bytes => bytes.slice().buffer),
)
const { tree } = fc.letrec(tie => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$type', '__proto__', 'value')), tie('tree'), { maxKeys: 3 }),
    fc.array(fc.tuple(tie('tree'), tie('tree')), { maxLength: 3 }).map(pairs => new Map(pairs)),
    fc.array(tie('tree'), { maxLength: 3 }).map(items => new Set(items)),
  ),
}))

describe('meta in a file', () => {
  it('comes back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async value => {
        expect(await through(value)).toStrictEqual(structuredClone(value))
      }),
      { numRuns: 300 },
    )
  })

  it('is what it was where it is JSON', async () => {
    await fc.assert(
      // Through its text: JSON knows no -0.
      fc.asyncProperty(
        fc.json().filter(text => !text.includes('$type')),
        async text => {
          expect(JSON.stringify(await encodeMeta(JSON.parse(text)))).toBe(JSON.stringify(JSON.parse(text)))
        },
      ),
    )
  })

  it('is written as its documentation shows', async () => {
    const written = { label: 'Fern', seen: { $type: 'date', value: 0 } }
    expect(await encodeMeta({ label: 'Fern', seen: new Date(0) })).toEqual(written)
    expect(decodeMeta(written)).toEqual({ label: 'Fern', seen: new Date(0) })
  })

  it('keeps pictures and files', async () => {
    const photo = new File(['\u0000ÿ'], 'fern.png', { type: 'image/png', lastModified: 5 })
    const { file, blob } = (await through({ file: photo, blob: new Blob(['x'], { type: 'a/b' }) })) as Record<
      'file' | 'blob',
      File
    >
    expect([file.name, file.type, file.lastModified, await file.text()]).toEqual([
      'fern.png',
      'image/png',
      5,
      '\u0000ÿ',
    ])
    expect([blob.constructor, blob.type, await blob.text()]).toEqual([Blob, 'a/b', 'x'])
  })

  it('says what it leaves out', async () => {
    const meta: Record<string, unknown> = { error: new RangeError('x'), pattern: /x/, twice: 1 }
    meta.self = { meta }
    const shared = { n: 1 }
    expect(await encodeMeta({ ...meta, list: [shared, shared] })).toEqual({
      error: { $type: 'omitted', of: 'Error' },
      pattern: { $type: 'omitted', of: 'RegExp' },
      twice: 1,
      self: { meta: expect.objectContaining({ self: { $type: 'omitted', of: 'itself' } }) },
      list: [shared, shared],
    })
    expect(await through({ error: new Error('x') })).toEqual({ error: undefined })
  })

  it.each([
    { $type: 'nothing', value: 1 },
    { $type: 'constructor', value: '' },
    { $type: 'Function', value: 'AAAA' },
    { $type: 7 },
    { $type: 'date', value: 'x' },
    { $type: 'bigint', value: '1.5' },
    { $type: 'map', value: [[1]] },
    { $type: 'set', value: 1 },
    { $type: 'Float64Array', value: 'AAAA' },
    { $type: 'Uint8Array', value: '!' },
    { $type: 'object', value: [[1, 2]] },
    { $type: 'blob', value: { data: 'AAAA' } },
  ])('is refused where it is none of these: %j', json => {
    expect(() => decodeMeta({ deep: [json] })).toThrow(expect.objectContaining({ code: 'invalid-mutation' }))
  })
})
