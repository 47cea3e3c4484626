import { performance } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import { createTimingMarks, type TimingName } from './timing-marks.ts'

describe('the timing marks', () => {
  it('are measures that end now, with their detail', () => {
    const mark = createTimingMarks(performance)
    mark('holdfast:attempt', 42, { status: 201 })
    const [entry] = performance.getEntriesByName('holdfast:attempt')
    expect(entry).toMatchObject({ entryType: 'measure', duration: 42, detail: { status: 201 } })
    expect(Math.abs((entry?.startTime ?? 0) + 42 - performance.now())).toBeLessThan(1_000)
  })

  it('do not fill the buffer of a page that lives for days, nor take the marks of others', () => {
    const kept = (name: string) => performance.getEntriesByName(name).length
    performance.measure('mine', { start: 0, end: 1 })
    const first = createTimingMarks(performance)
    for (let i = 0; i < 1_050; i++) first('holdfast:mutate', 1)
    for (let i = 0; i < 30; i++) first('holdfast:drain', 1)
    expect(kept('holdfast:mutate')).toBe(50)
    expect(kept('holdfast:drain')).toBe(30)
    for (let run = 0; run < 20; run++) {
      const next = createTimingMarks(performance)
      for (let i = 0; i < 60; i++) next('holdfast:mutate', 1)
      expect(kept('holdfast:mutate')).toBe(60)
    }
    expect(kept('mine')).toBe(1)
  })

  it('never throw', () => {
    const broken = {
      now: () => 1,
      measure: () => {
        throw new Error('No.')
      },
      clearMeasures: () => {
        throw new Error('No.')
      },
    }
    expect(() => createTimingMarks(broken)('holdfast:drain', 1)).not.toThrow()
    expect(() => createTimingMarks(undefined)('holdfast:drain', 1)).not.toThrow()
    const mark = createTimingMarks(performance)
    const odd: [TimingName, number, unknown][] = [
      ['holdfast:drain', Number.NaN, undefined],
      ['holdfast:drain', -1, undefined],
      ['holdfast:drain', 1e18, undefined],
      ['holdfast:drain', 1, () => 'not to be cloned'],
    ]
    for (const args of odd) expect(() => mark(...args)).not.toThrow()
  })
})
