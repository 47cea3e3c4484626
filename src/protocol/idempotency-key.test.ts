import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIdempotencyKey, parseIdempotencyKey } from './idempotency-key.ts'

describe('the Idempotency-Key field', () => {
  it('is a quoted string, and reads back as the same key', () => {
    expect(formatIdempotencyKey('0190b3c4')).toBe('"0190b3c4"')
    const key = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 255 }).filter(text => text.trim() !== '')
    fc.assert(fc.property(key, id => parseIdempotencyKey(formatIdempotencyKey(id)) === id))
  })

  it('is read leniently: bare, with spaces around, with parameters', () => {
    for (const value of ['0190b3c4', ' "0190b3c4" ', '"0190b3c4";v=1']) {
      expect(parseIdempotencyKey(value)).toBe('0190b3c4')
    }
  })

  it.each([
    ['empty', ''],
    ['an empty string', '""'],
    ['only spaces', '"  "'],
    ['a quote that is not closed', '"abc'],
    ['a quote inside', '"a"b"'],
    ['an unknown escape', '"a\\b"'],
    ['a control character', 'a\tb'],
    ['not ASCII', '"naïve"'],
    ['256 characters', 'k'.repeat(256)],
  ])('refuses %s', (_what, value) => {
    expect(parseIdempotencyKey(value)).toBeUndefined()
  })

  it('refuses to write what it would not read', () => {
    for (const id of ['', ' ', 'a\nb', 'k'.repeat(256)]) expect(() => formatIdempotencyKey(id)).toThrow(RangeError)
  })
})
