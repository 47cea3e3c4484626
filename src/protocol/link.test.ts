import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLink, isRecent, isThrifty, type Link } from './link.ts'

const AT = 1_795_262_400_000
const FAST: Link = { online: true, quality: 'fast', saveData: false, latencyMs: 40, measuredAt: AT }

describe('a foreign link', () => {
  it('is taken with all of its members, with or without a latency, and with those of a newer version', () => {
    expect(isLink(FAST)).toBe(true)
    expect(isLink({ ...FAST, latencyMs: undefined })).toBe(true)
    expect(isLink({ ...FAST, online: false, quality: 'none' })).toBe(true)
    expect(isLink({ ...FAST, jitterMs: 3 })).toBe(true)
  })

  it.each([
    [undefined],
    [null],
    ['online'],
    [[]],
    [{}],
    [{ ...FAST, online: 'yes' }],
    [{ ...FAST, quality: 'good' }],
    [{ ...FAST, quality: 'none' }],
    [{ ...FAST, online: false }],
    [{ ...FAST, saveData: undefined }],
    [{ ...FAST, latencyMs: -1 }],
    [{ ...FAST, latencyMs: Number.NaN }],
    [{ ...FAST, latencyMs: '40' }],
    [{ ...FAST, measuredAt: undefined }],
    [{ ...FAST, measuredAt: Number.POSITIVE_INFINITY }],
    [{ ...FAST, measuredAt: new Date(AT) }],
  ])('is refused as %j', value => {
    expect(isLink(value)).toBe(false)
  })

  it('never makes the check throw', () => {
    fc.assert(fc.property(fc.anything(), value => typeof isLink(value) === 'boolean'))
  })
})

describe('whether to send little', () => {
  it('is so on a slow link, and where the person spares data', () => {
    expect(isThrifty(FAST, AT)).toBe(false)
    expect(isThrifty({ ...FAST, saveData: true }, AT)).toBe(true)
    const link: Link = { online: true, quality: 'slow', saveData: false, measuredAt: AT }
    expect(isThrifty(link, link.measuredAt + 60_000)).toBe(true)
  })

  it.each([
    ['five minutes old', 300_000, true],
    ['older', 300_001, false],
    ['from the future by the noise of a clock', -1_000, true],
    ['from further in the future', -1_001, false],
    ['compared with no time at all', Number.NaN, false],
  ])('where it was found out %s: %d ms, %s', (_, ageMs, is) => {
    expect(isThrifty({ ...FAST, quality: 'slow' }, AT + ageMs)).toBe(is)
    expect(isRecent({ measuredAt: AT }, AT + ageMs)).toBe(is)
  })
})
