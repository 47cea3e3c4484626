import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { afterAnswer, type ConcurrencyLimit, freshLimit, wholeLimit } from './concurrency-limit.ts'

const BOUNDS = { min: 1, max: 6 }
const ANSWER = { rttMs: 5, inFlight: 6, moreWork: true, overloaded: false, now: 1_000 }

describe('the concurrency limit', () => {
  it('starts at two and adds one per answer', () => {
    expect(wholeLimit(freshLimit(BOUNDS), BOUNDS)).toBe(2)
    const answer = { rttMs: 5, inFlight: 2, moreWork: true, overloaded: false, now: 1_000 }
    expect(wholeLimit(afterAnswer(freshLimit(BOUNDS), answer, BOUNDS), BOUNDS)).toBe(3)
  })

  it('stays within its bounds, whatever comes', () => {
    fc.assert(
      fc.property(bounds(), fc.array(samples()), (within, all) => {
        let state = freshLimit(within)
        let now = 0
        for (const { wait, ...sample } of all) {
          now += wait
          state = afterAnswer(state, { ...sample, now }, within)
          expect(state.limit).toBeGreaterThanOrEqual(within.min)
          expect(state.limit).toBeLessThanOrEqual(within.max)
          expect(Number.isInteger(wholeLimit(state, within))).toBe(true)
        }
      }),
    )
  })

  it('never grows where it is not what limits', () => {
    fc.assert(
      fc.property(states(), samples(), (state, { wait, ...sample }) => {
        const idle = { ...sample, now: 10_000 + wait }
        const unused = { ...idle, inFlight: Math.ceil(state.limit / 2) - 1 }
        expect(afterAnswer(state, unused, BOUNDS).limit).toBeLessThanOrEqual(state.limit)
        expect(afterAnswer(state, { ...idle, moreWork: false }, BOUNDS).limit).toBeLessThanOrEqual(state.limit)
      }),
    )
  })

  it('halves on overload, once for all answers of one round trip', () => {
    const refused = { ...ANSWER, rttMs: 50, overloaded: true }
    const once = afterAnswer(at(6), refused, BOUNDS)
    expect(once.limit).toBe(3)
    expect(afterAnswer(once, { ...refused, now: 1_010 }, BOUNDS).limit).toBe(3)
    expect(afterAnswer(once, { ...refused, now: 1_051 }, BOUNDS).limit).toBe(1.5)
  })

  it('does not take back a fall for answers to requests sent before it', () => {
    const fallen = afterAnswer(at(6), { ...ANSWER, overloaded: true }, BOUNDS)
    expect(afterAnswer(fallen, { ...ANSWER, now: 1_004 }, BOUNDS).limit).toBe(3)
    expect(afterAnswer(fallen, { ...ANSWER, now: 1_006 }, BOUNDS).limit).toBeGreaterThan(3)
  })

  it('falls by a tenth where answers take more than twice as long', () => {
    const state = { ...at(6), shortRttMs: 100, longRttMs: 50 }
    expect(afterAnswer(state, { ...ANSWER, rttMs: 110 }, BOUNDS).limit).toBeCloseTo(5.4)
    expect(afterAnswer(state, { ...ANSWER, rttMs: 90 }, BOUNDS).limit).toBe(6)
  })

  it('takes nothing below 20 ms for a queue', () => {
    const state = { ...at(6), shortRttMs: 19, longRttMs: 1 }
    expect(afterAnswer(state, { ...ANSWER, rttMs: 19 }, BOUNDS).limit).toBe(6)
  })

  it('recovers from any fall once the answers are good again', () => {
    fc.assert(
      fc.property(states(), state => {
        let recovering = { ...state, shortRttMs: 30, longRttMs: 30 }
        for (let i = 1; i <= 80; i++) {
          const inFlight = wholeLimit(recovering, BOUNDS)
          recovering = afterAnswer(recovering, { ...ANSWER, rttMs: 30, inFlight, now: 20_000 + i * 100 }, BOUNDS)
        }
        expect(recovering.limit).toBe(6)
      }),
    )
  })

  it('still falls after the clock was set back', () => {
    const fallen = { ...at(6), decreasedAt: 9_000_000 }
    expect(afterAnswer(fallen, { ...ANSWER, overloaded: true }, BOUNDS).limit).toBe(3)
  })

  it('that is no number is the lowest, and grows again', () => {
    const broken = { ...at(6), limit: Number.NaN }
    expect(wholeLimit(broken, BOUNDS)).toBe(1)
    expect(afterAnswer(broken, { ...ANSWER, overloaded: true }, BOUNDS).limit).toBe(1)
    expect(afterAnswer(broken, { ...ANSWER, inFlight: 1 }, BOUNDS).limit).toBe(1)
  })

  it('is fixed where both bounds are the same', () => {
    const fixed = { min: 4, max: 4 }
    const state = afterAnswer(freshLimit(fixed), { ...ANSWER, overloaded: true }, fixed)
    expect(wholeLimit(state, fixed)).toBe(4)
  })
})

function at(limit: number): ConcurrencyLimit {
  return { ...freshLimit(BOUNDS), limit, slowStart: false, shortRttMs: 5, longRttMs: 5 }
}

function bounds() {
  return fc
    .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 30 }))
    .map(([min, more]) => ({ min, max: min + more }))
}

function samples() {
  return fc.record({
    wait: fc.integer({ min: 0, max: 5_000 }),
    rttMs: fc.oneof(fc.double({ min: 0, max: 40_000, noNaN: true }), fc.constantFrom(Number.NaN, -1, Infinity)),
    inFlight: fc.integer({ min: 1, max: 40 }),
    moreWork: fc.boolean(),
    overloaded: fc.boolean(),
  })
}

function states() {
  return fc.record({
    limit: fc.double({ min: 1, max: 6, noNaN: true }),
    slowStart: fc.boolean(),
    shortRttMs: fc.double({ min: 0, max: 1_000, noNaN: true }),
    longRttMs: fc.double({ min: 0, max: 1_000, noNaN: true }),
    answeredAt: fc.integer({ min: 0, max: 10_000 }),
    decreasedAt: fc.integer({ min: 0, max: 10_000 }),
  })
}
