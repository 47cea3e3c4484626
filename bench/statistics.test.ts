import { describe, expect, it } from 'vitest'
import { median, percentile, ratioOf, sum } from './statistics.ts'

describe('percentile', () => {
  it('gives the sample at that share of the sorted samples', () => {
    expect(percentile([5, 1, 4, 2, 3], 0.5)).toBe(3)
    expect(percentile([5, 1, 4, 2, 3], 0)).toBe(1)
    expect(percentile([5, 1, 4, 2, 3], 1)).toBe(5)
  })

  it('interpolates between two samples', () => {
    expect(median([1, 2])).toBe(1.5)
    expect(percentile([0, 10], 0.95)).toBeCloseTo(9.5)
  })

  it('sorts by value and leaves the samples as they are', () => {
    const samples = [10, 9, 100]
    expect(median(samples)).toBe(10)
    expect(samples).toEqual([10, 9, 100])
  })

  it('refuses to speak about no samples', () => {
    expect(() => percentile([], 0.5)).toThrow(RangeError)
  })
})

describe('ratioOf', () => {
  it('divides round by round, so that a slow machine weighs on both', () => {
    expect(ratioOf([1, 10, 100], [2, 20, 200])).toEqual({ median: 0.5, low: 0.5, high: 0.5 })
  })

  it('gives the quartiles as its spread', () => {
    expect(ratioOf([1, 2, 3, 4, 5], [1, 1, 1, 1, 1])).toEqual({ median: 3, low: 2, high: 4 })
  })
})

it('sums', () => {
  expect(sum([1, 2, 3])).toBe(6)
})
