import { parse, v7, validate, version } from 'uuid'
import { expect, it } from 'vitest'
import { idOf } from './capture-id.ts'

const RANDOM = Uint8Array.from({ length: 16 }, (_, index) => 255 - index)

it('makes what the package uuid makes of the same bytes', () => {
  const id = idOf(1_700_000_000_000, RANDOM)
  expect([validate(id), version(id)]).toEqual([true, 7])
  const theirs = parse(v7({ msecs: 1_700_000_000_000, random: RANDOM }))
  expect([...parse(id).subarray(0, 6)]).toEqual([...theirs.subarray(0, 6)])
  expect([...parse(id).subarray(9)]).toEqual([...RANDOM.subarray(9)])
})

it('is the same for the same, and sorts by the time', () => {
  const ids = [1, 2, 1_700_000_000_000].map(msecs => idOf(msecs, RANDOM))
  expect(ids.toSorted()).toEqual(ids)
  expect(idOf(2, RANDOM)).toBe(ids[1])
  expect(idOf(2, RANDOM.toReversed())).not.toBe(ids[1])
})
