import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { count, EMPTY_WINDOW, expiries, isSlidingWindow, totals, unmark } from './sliding-window.ts'

const SHAPE = { bucketMs: 10, buckets: 4 }

describe('a sliding window', () => {
  it('counts what is not older than it looks back, to one bucket, and keeps its size', () => {
    const steps = fc.array(fc.record({ wait: fc.integer({ min: 0, max: 25 }), marked: fc.boolean() }))
    fc.assert(
      fc.property(steps, all => {
        let window = EMPTY_WINDOW
        let now = 0
        const seen: { at: number; marked: boolean }[] = []
        for (const { wait, marked } of all) {
          now += wait
          window = count(window, { now, marked }, SHAPE)
          seen.push({ at: now, marked })
          const since = (ms: number) => seen.filter(({ at }) => at > now - ms)
          const { total, marked: found } = totals(window, now, SHAPE)
          expect(total).toBeGreaterThanOrEqual(since(30).length)
          expect(total).toBeLessThanOrEqual(since(40).length)
          expect(found).toBeLessThanOrEqual(since(40).filter(one => one.marked).length)
          expect(window.buckets.length).toBeLessThanOrEqual(4)
        }
      }),
    )
  })

  it('forgets what is from the future once the clock was set back', () => {
    const window = count(EMPTY_WINDOW, { now: 1_000, marked: true }, SHAPE)
    expect(totals(window, 100, SHAPE)).toEqual({ total: 0, marked: 0 })
    expect(count(window, { now: 100, marked: false }, SHAPE).buckets).toEqual([[10, 1, 0]])
  })

  it('takes the newest mark back, and only a mark', () => {
    const first = count(EMPTY_WINDOW, { now: 0, marked: true }, SHAPE)
    const second = count(count(first, { now: 10, marked: true }, SHAPE), { now: 20, marked: false }, SHAPE)
    expect(totals(unmark(second), 20, SHAPE)).toEqual({ total: 3, marked: 1 })
    expect(unmark(unmark(unmark(second))).buckets.map(([, , marked]) => marked)).toEqual([0, 0, 0])
  })

  it('says when something drops out', () => {
    const window = count(EMPTY_WINDOW, { now: 15, marked: true }, SHAPE)
    const [at = 0] = expiries(window, 15, SHAPE)
    expect(totals(window, at - 1, SHAPE).total).toBe(1)
    expect(totals(window, at, SHAPE).total).toBe(0)
  })

  it.each([null, {}, { buckets: 1 }, { buckets: [[1, 2]] }, { buckets: [[1, -1, 0]] }, { buckets: [[1, '1', 0]] }])(
    'is not %j',
    value => expect(isSlidingWindow(value)).toBe(false),
  )
})
