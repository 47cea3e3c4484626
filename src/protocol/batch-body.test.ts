import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBatchBody, toBatchBody } from './batch-body.ts'

describe('a body in a batch', () => {
  it('stands for the same bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.uint8Array()), content => {
        const body = toBatchBody(content as string | Uint8Array<ArrayBuffer>)
        const carried = JSON.parse(JSON.stringify(body))
        expect(fromBatchBody(carried)).toEqual(content)
      }),
      { numRuns: 1000 },
    )
    expect(toBatchBody(undefined)).toBeUndefined()
    expect(toBatchBody(new Uint8Array([0, 255]).buffer)).toEqual({ kind: 'base64', data: 'AP8=' })
  })

  it('is a value where that keeps the bytes, and text where it would not', () => {
    expect(toBatchBody('{"b":1,"a":[null]}')).toEqual({ kind: 'json', json: { b: 1, a: [null] } })
    for (const text of [
      '{"a": 1}',
      '1.0',
      '-0',
      '{"a":1,"a":1}',
      '12345678901234567890',
      '{',
      '{"2":1,"1":1}',
      'undefined',
      '',
    ]) {
      expect(toBatchBody(text)).toEqual({ kind: 'text', text })
    }
    expect(toBatchBody('null')).toEqual({ kind: 'json', json: null })
  })

  it('writes base64 as everybody does', () => {
    fc.assert(
      fc.property(fc.uint8Array(), bytes => {
        const data = Buffer.from(bytes).toString('base64')
        expect(toBatchBody(bytes)).toEqual({ kind: 'base64', data })
        expect(fromBatchBody({ kind: 'base64', data })).toEqual(bytes)
      }),
    )
  })
})
