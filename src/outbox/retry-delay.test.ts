import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { retryAfterMs, retryDelay } from './retry-delay.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'

describe('retryDelay', () => {
  it('draws from a bound that doubles', () => {
    expect(retryDelay({ failures: 3, policy: DEFAULT_RETRY, random: () => 0.5 })).toBe(2000)
  })

  it('stays within the cap, and never below what the server asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        fc.integer({ min: 0, max: 10_000_000 }),
        (failures, random, floor) => {
          const delay = retryDelay({ failures, policy: DEFAULT_RETRY, random: () => random, retryAfterMs: floor })
          expect(delay).toBeGreaterThanOrEqual(floor)
          expect(delay).toBeLessThanOrEqual(Math.max(floor, DEFAULT_RETRY.capMs))
        },
      ),
    )
  })
})

describe('retryAfterMs', () => {
  const now = Date.parse('2026-11-21T12:00:00Z')
  const read = (fields: Record<string, string>) => retryAfterMs(new Headers(fields), now)

  it('reads seconds', () => expect(read({ 'retry-after': '120' })).toBe(120_000))

  it("reads a date against the server's clock, not the device's", () => {
    const fields = { 'retry-after': 'Sat, 21 Nov 2026 15:00:30 GMT', date: 'Sat, 21 Nov 2026 15:00:00 GMT' }
    expect(read(fields)).toBe(30_000)
  })

  it('reads a date against the device where the server gives none, and never goes below zero', () => {
    expect(read({ 'retry-after': 'Sat, 21 Nov 2026 12:00:05 GMT' })).toBe(5_000)
    expect(read({ 'retry-after': 'Sat, 21 Nov 2026 11:00:00 GMT' })).toBe(0)
  })

  it.each(['', 'soon', '-5', '1.5'])('ignores %j', value => expect(read({ 'retry-after': value })).toBeUndefined())
})
