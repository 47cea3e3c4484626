import { describe, expect, it } from 'vitest'
import { liveUntil, spanOf } from './span.ts'

describe('a span', () => {
  it('holds until its end', () => {
    const span = spanOf(1_000, 500)
    expect(liveUntil(span, 1_000)).toBe(1_500)
    expect(liveUntil(span, 1_499)).toBe(1_500)
    expect(liveUntil(span, 1_500)).toBe(0)
    expect(liveUntil(undefined, 0)).toBe(0)
  })

  it('is over when the clock was set back before its beginning, but not when it was corrected a little', () => {
    const span = spanOf(10_000_000, 60_000)
    expect(liveUntil(span, 5_000_000)).toBe(0)
    expect(liveUntil(span, 9_999_500)).toBe(10_060_000)
  })

  it('is over when it is no number', () => {
    expect(liveUntil(spanOf(1_000, Number.NaN), 1_000)).toBe(0)
    expect(liveUntil({ at: Number.NaN, until: Number.NaN }, 0)).toBe(0)
  })

  it('lasts a day at most', () => expect(liveUntil(spanOf(1_000, 1e15), 1_000)).toBe(86_401_000))
})
