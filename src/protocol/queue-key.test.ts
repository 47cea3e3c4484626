import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PRIORITY_RANGE } from './mutation.ts'
import { keyAt, laneOf, type Place, readyPrefix } from './queue-key.ts'
import { boundsIn, boundsOf, dueTimeOf, dueUpTo, placeOf, readyParts } from './queue-range.ts'

const mutation = fc.record({
  id: fc.uuid(),
  url: fc.constantFrom('https://a.example/x', 'https://b.example:8443/y?z=|'),
  principal: fc.option(fc.constantFrom('ada', 'bo|b', '@~}', ''), { nil: undefined }),
  priority: fc.integer({ min: -PRIORITY_RANGE, max: PRIORITY_RANGE }),
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
})
const time = fc.integer({ min: 0, max: 8.64e15 - 1 }).map(value => Math.floor(value / 10))
const place: fc.Arbitrary<Place> = fc.oneof(
  fc.constant<Place>({ in: 'sending' }),
  fc.constant<Place>({ in: 'ready' }),
  time.map((until): Place => ({ in: 'delayed', until })),
  fc.constant<Place>({ in: 'blocked' }),
)

describe('keyAt', () => {
  it('says the place, within its bounds', () => {
    fc.assert(
      fc.property(mutation, place, (one, at) => {
        const key = keyAt(one, at)
        const { lower, upper } = boundsOf(at.in)
        expect(placeOf(key)).toBe(at.in)
        expect(key > lower && key < upper).toBe(true)
      }),
    )
  })

  it('says whose it is: nothing of a lane lies within the bounds of another', () => {
    fc.assert(
      fc.property(mutation, mutation, place, (one, other, at) => {
        const key = keyAt(one, at)
        const { lower, upper } = boundsIn(laneOf(other.principal), at.in)
        expect(key > lower && key < upper).toBe(one.principal === other.principal)
      }),
    )
  })

  it('sorts what is ready for an origin by priority, then by age', () => {
    fc.assert(
      fc.property(mutation, mutation, (one, other) => {
        const [a, b] = [one, { ...other, url: one.url, principal: one.principal }].map(each =>
          keyAt(each, { in: 'ready' }),
        ) as [string, string]
        const expected = Math.sign(other.priority - one.priority) || Math.sign(one.sequence - other.sequence)
        if (expected !== 0) expect(a < b ? -1 : 1).toBe(expected)
        expect(a.startsWith(readyPrefix(laneOf(one.principal), new URL(one.url).origin))).toBe(true)
        expect(readyParts(a).origin).toBe(new URL(one.url).origin)
        expect(Number(readyParts(a).sequence)).toBe(one.sequence)
      }),
    )
  })

  it('sorts what is delayed by its time, and finds what is due', () => {
    fc.assert(
      fc.property(mutation, time, time, (one, until, now) => {
        const key = keyAt(one, { in: 'delayed', until })
        const { lower, upper } = dueUpTo(laneOf(one.principal), now)
        expect(dueTimeOf(key)).toBe(until)
        expect(key > lower && key < upper).toBe(until <= now)
      }),
    )
  })
})
