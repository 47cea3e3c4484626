import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { count, nextBucket, type SlidingWindow, totals, unmark } from './sliding-window.ts'

const EMPTY: SlidingWindow = []

describe('a sliding window', () => {
  it('counts what is not older than it looks back, to one bucket, and keeps its size', () => {
    const steps = fc.array(fc.record({ wait: fc.integer({ min: 0, max: 25_000 }), marked: fc.boolean() }))
    fc.assert(
      fc.property(steps, all => {
        let window = EMPTY
        let now = 0
        const seen: { at: number; marked: boolean }[] = []
        for (const { wait, marked } of all) {
          now += wait
          window = count(window, now, marked)
          seen.push({ at: now, marked })
          const since = (ms: number) => seen.filter(({ at }) => at > now - ms)
          const [total, found] = totals(window, now, 4)
          expect(total).toBeGreaterThanOrEqual(since(30_000).length)
          expect(total).toBeLessThanOrEqual(since(40_000).length)
          expect(found).toBeGreaterThanOrEqual(since(30_000).filter(one => one.marked).length)
          expect(found).toBeLessThanOrEqual(since(40_000).filter(one => one.marked).length)
          expect(window.length).toBeLessThanOrEqual(13)
        }
      }),
    )
  })

  it('forgets what is from the future once the clock was set back', () => {
    const window = count(EMPTY, 1_000_000, true)
    expect(totals(window, 100_000, 4)).toEqual([0, 0])
    expect(count(window, 100_000, false)).toEqual([[10, 1, 0]])
  })

  it('takes the newest mark back, and only a mark', () => {
    const window = count(count(count(EMPTY, 0, true), 10_000, true), 20_000, false)
    expect(unmark(window)).toEqual([
      [0, 1, 1],
      [1, 1, 0],
      [2, 1, 0],
    ])
    expect(unmark(unmark(unmark(window))).map(([, , marked]) => marked)).toEqual([0, 0, 0])
  })

  it('says when the next bucket begins, which is when the oldest drops out', () => {
    const window = count(EMPTY, 15_000, true)
    expect(nextBucket(15_000)).toBe(20_000)
    expect(totals(window, 19_999, 1)[0]).toBe(1)
    expect(totals(window, 20_000, 1)[0]).toBe(0)
  })
})
