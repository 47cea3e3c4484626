import { describe, expect, it } from 'vitest'
import { isSpan, liveUntil, spanOf } from './span.ts'

describe('a span', () => {
  it('holds until its end', () => {
    const span = spanOf(1_000, 500)
    expect(liveUntil(span, 1_000)).toBe(1_500)
    expect(liveUntil(span, 1_499)).toBe(1_500)
    expect(liveUntil(span, 1_500)).toBeUndefined()
    expect(liveUntil(undefined, 0)).toBeUndefined()
  })

  it('is over when the clock was set back before its beginning, but not when it was corrected a little', () => {
    const span = spanOf(10_000_000, 60_000)
    expect(liveUntil(span, 5_000_000)).toBeUndefined()
    expect(liveUntil(span, 9_999_500)).toBe(10_060_000)
  })

  it.each([null, 1, {}, { at: 1 }, { at: 1, until: Number.NaN }, { at: '1', until: 2 }, { at: 0, until: 86_400_001 }])(
    'is not %j',
    value => expect(isSpan(value)).toBe(false),
  )
})
