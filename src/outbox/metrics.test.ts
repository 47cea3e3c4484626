import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type End, LAST_BUCKET, type MetricsRecord, metricsOf, withDrain, withEnd, withQueueSize } from './metrics.ts'

const FRESH = metricsOf(undefined, 1_000)

describe('the metrics', () => {
  it('count what ended, and every attempt', () => {
    const record = withEnd(metricsOf(undefined, Date.now()), { kind: 'confirmed', queuedMs: 340, attemptMs: 90 })
    expect(record.totals).toEqual({ confirmed: 1, attempts: 1 })
    const ends: End[] = [
      { kind: 'retry', attemptMs: 100 },
      { kind: 'conflict', queuedMs: 900, attemptMs: 100 },
      { kind: 'dead', queuedMs: 900 },
      { kind: 'held', attemptMs: 5 },
    ]
    expect(withDrain(ends.reduce(withEnd, record), 500).totals).toEqual({
      confirmed: 1,
      retry: 1,
      conflict: 1,
      dead: 1,
      held: 1,
      attempts: 4,
      drains: 1,
    })
  })

  it('begin when they are first asked for, and are read again from the store', () => {
    expect(FRESH).toMatchObject({ version: 1, since: 1_000, totals: {} })
    const record = withQueueSize(withEnd(FRESH, { kind: 'confirmed', queuedMs: 5, attemptMs: 5 }), 7)
    expect(metricsOf(structuredClone(record), 9_000)).toEqual(record)
    for (const stored of [null, 5, 'x', {}, { version: 2 }]) expect(metricsOf(stored, 1_000)).toEqual(FRESH)
  })

  it('change no record that was given', () => {
    const before = structuredClone(FRESH)
    withQueueSize(withDrain(withEnd(FRESH, { kind: 'dead', queuedMs: 1, attemptMs: 1 }), 1), 1)
    expect(FRESH).toEqual(before)
  })

  it('leave out what cannot be a duration', () => {
    for (const value of [Number.NaN, -1, -0.001, Number.NEGATIVE_INFINITY]) {
      const { recent } = withEnd(FRESH, { kind: 'confirmed', queuedMs: value, attemptMs: value })
      expect(recent).toEqual({ ends: [8] })
    }
    expect(withDrain(FRESH, Number.POSITIVE_INFINITY).recent.drainMs).toHaveLength(LAST_BUCKET + 1)
  })

  it('let what is 1,024 samples old count for an eighth at most', () => {
    let record = withDrain(FRESH, 1_000_000)
    const before = record.recent.drainMs?.findIndex(weight => weight > 0) ?? -1
    for (let i = 0; i < 1_024; i++) record = withDrain(record, 10)
    expect(record.recent.drainMs?.[before]).toBeLessThanOrEqual(8 / 8)
    for (let i = 0; i < 1_024; i++) record = withDrain(record, 10)
    expect(record.recent.drainMs?.filter(weight => weight > 0)).toHaveLength(1)
  })

  it('stay below 2 kB, whatever comes', () => {
    const value = fc.oneof(fc.double(), fc.double({ min: 0, max: 1e10 }), fc.double({ min: 0, max: 30 }).map(Math.exp))
    const kind = fc.constantFrom('confirmed', 'dead', 'conflict', 'retry', 'held')
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, value, value), { minLength: 100, maxLength: 300 }), samples => {
        const record = samples.reduce((sum, [kind, a, b]) => sample(sum, kind, a, b), FRESH)
        expect(JSON.stringify(record).length).toBeLessThan(2_000)
      }),
      { numRuns: 20 },
    )
    // The worst: every bucket in use, and as much in it as can be.
    let record = FRESH
    let longest = 0
    for (let i = 0; i < 2_000; i++) {
      const [a, b] = [1.2222 ** (i % 112), 1.2222 ** ((i * 31) % 112)]
      record = sample(record, 'retry', a, b)
      if (i % 7 === 0) longest = Math.max(longest, JSON.stringify(record).length)
    }
    expect(record.recent.queuedMs?.filter(weight => weight > 9).length).toBeGreaterThan(100)
    expect(longest).toBeLessThan(2_000)
  })
})

function sample(record: MetricsRecord, kind: End['kind'], a: number, b: number): MetricsRecord {
  return withQueueSize(withDrain(withEnd(record, { kind, queuedMs: a, attemptMs: b }), a), b)
}
