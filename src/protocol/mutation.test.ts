import fc from 'fast-check'
import { expect, it } from 'vitest'
import { orderKey, PRIORITY_RANGE } from './mutation.ts'

it('puts rank, sequence and id into the key', () => {
  expect(orderKey({ priority: 0, sequence: 7, id: 'a' })).toBe('10000.0000000000000007.a')
})

it('sorts as text in replay order: priority first, then sequence', () => {
  const place = fc.record({
    priority: fc.integer({ min: -PRIORITY_RANGE, max: PRIORITY_RANGE }),
    sequence: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    id: fc.uuid(),
  })
  fc.assert(
    fc.property(place, place, (a, b) => {
      const expected = Math.sign(b.priority - a.priority) || Math.sign(a.sequence - b.sequence)
      const actual = orderKey(a) < orderKey(b) ? -1 : orderKey(a) > orderKey(b) ? 1 : 0
      if (expected !== 0) expect(actual).toBe(expected)
    }),
  )
})
