import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mayRetry, type RetryBudget } from './retry-budget.ts'
import { count, unmark } from './sliding-window.ts'

const FRESH: RetryBudget = []

describe('the retry budget', () => {
  it('lets ten retries a minute go in any case, and says when the next may', () => {
    expect(mayRetry([], 0)).toEqual({ kind: 'go' })
    const spent = sent(FRESH, { retries: 10 })
    const decision = mayRetry(spent, 1_000)
    expect(decision).toEqual({ kind: 'wait', until: 70_000 })
    expect(mayRetry(spent, 70_000)).toEqual({ kind: 'go' })
  })

  it('lets a tenth of all requests be retries', () => {
    const busy = sent(FRESH, { first: 1_000 })
    let budget = busy
    let retries = 0
    while (mayRetry(budget, 1_000).kind === 'go') {
      budget = count(budget, 1_000, true)
      retries += 1
    }
    expect(retries).toBe(111)
  })

  it('gives back the place of a retry that succeeded, so that a healthy server gets them all at once', () => {
    let budget = sent(FRESH, { retries: 5 })
    for (let i = 0; i < 500; i++) {
      expect(mayRetry(budget, 1_000).kind).toBe('go')
      budget = unmark(count(budget, 1_000, true))
    }
  })

  it('holds a retry back for a little more than two minutes at most, even where it is no number', () => {
    const broken: RetryBudget = [[100, Number.NaN, Number.NaN]]
    const may = mayRetry(broken, 1_000_000)
    expect(may).toEqual({ kind: 'wait', until: 1_070_000 })
  })

  it('holds its bound in every minute, loses no retry, and keeps its size', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 6_000 })), { maxLength: 300 })
    fc.assert(
      fc.property(steps, all => {
        let budget = FRESH
        let now = 0
        const log: { at: number; isRetry: boolean }[] = []
        for (const [isRetry, wait] of all) {
          now += wait
          if (isRetry) {
            const may = mayRetry(budget, now)
            if (may.kind === 'wait') {
              expect(may.until).toBeGreaterThan(now)
              expect(may.until).toBeLessThanOrEqual(now + 70_000)
              expect(mayRetry(budget, may.until).kind).toBe('go')
              continue
            }
          }
          budget = count(budget, now, isRetry)
          log.push({ at: now, isRetry })
          const lately = (ms: number) => log.filter(({ at }) => at > now - ms)
          const retries = lately(60_000).filter(one => one.isRetry).length
          expect(retries).toBeLessThanOrEqual(Math.max(10, lately(130_000).length / 10))
          expect(JSON.stringify(budget).length).toBeLessThan(400)
        }
      }),
    )
  })
})

function sent(budget: RetryBudget, { first = 0, retries = 0 }: { first?: number; retries?: number }): RetryBudget {
  let next = budget
  for (let i = 0; i < first; i++) next = count(next, 1_000, false)
  for (let i = 0; i < retries; i++) next = count(next, 1_000, true)
  return next
}
