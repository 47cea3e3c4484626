import 'fake-indexeddb/auto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openStorage } from '../storage/open-storage.ts'
import { type End, METRICS_KEY, type MetricsRecord, metricsOf, withDrain, withEnd, withQueueSize } from './metrics.ts'
import { mergeMetrics, readMetrics, toSyncMetrics } from './sync-metrics.ts'

const FRESH = metricsOf(undefined, 1_000)

describe('toSyncMetrics', () => {
  it('says nothing of what did not happen', () => {
    expect(toSyncMetrics(FRESH)).toEqual({
      since: new Date(1_000),
      confirmed: 0,
      dead: 0,
      conflicts: 0,
      retries: 0,
      held: 0,
      attempts: 0,
      drains: 0,
      successRate: undefined,
      conflictRate: undefined,
      retryRate: undefined,
      queuedMs: undefined,
      attemptMs: undefined,
      drainMs: undefined,
      queueSize: undefined,
    })
  })

  it('gives counts and rates', () => {
    const record = withEnd(metricsOf(undefined, 0), { kind: 'confirmed', queuedMs: 340, attemptMs: 90 })
    expect(toSyncMetrics(record).successRate).toBe(1)
    const kinds: End['kind'][] = ['confirmed', 'confirmed', 'dead', 'conflict', 'retry', 'retry', 'retry', 'held']
    const mixed = kinds.reduce((sum, kind) => withEnd(sum, { kind, attemptMs: 10 }), FRESH)
    expect(toSyncMetrics(mixed)).toMatchObject({
      confirmed: 2,
      dead: 1,
      conflicts: 1,
      retries: 3,
      held: 1,
      attempts: 8,
      successRate: 0.5,
      conflictRate: 0.25,
      retryRate: 3 / 8,
    })
  })

  it('lets old failures fade from the rates, and keeps them in the counts', () => {
    let record = FRESH
    for (let i = 0; i < 300; i++) record = withEnd(record, { kind: 'dead' })
    for (let i = 0; i < 3_000; i++) record = withEnd(record, { kind: 'confirmed' })
    const { dead, successRate } = toSyncMetrics(record)
    expect(dead).toBe(300)
    expect(successRate).toBeGreaterThan(0.99)
  })

  it('gives p50 and p95 within 10 %, up to 30 days', () => {
    const durations = fc.array(
      fc.oneof(
        fc.double({ min: 1, max: 2_592_000_000, noNaN: true }),
        fc.double({ min: 0, max: 21, noNaN: true }).map(Math.exp),
      ),
      { minLength: 1, maxLength: 500 },
    )
    fc.assert(
      fc.property(durations, all => {
        const { drainMs } = toSyncMetrics(all.reduce(drained, FRESH))
        expectWithin(drainMs?.p50, exact(all, 50))
        expectWithin(drainMs?.p95, exact(all, 95))
      }),
    )
  })

  it('tells an empty queue from one of 1', () => {
    const p50 = (size: number) => toSyncMetrics(withQueueSize(FRESH, size)).queueSize?.p50
    expect([0, 1, 2, 3, 4, 5].map(p50)).toEqual([0, 1, 2, 3, 4, 5])
    expect(p50(1_000) ?? 0).toBeGreaterThan(900)
    expect(p50(1_000) ?? 0).toBeLessThan(1_100)
  })

  it('follows what changes', () => {
    let record = FRESH
    for (let i = 0; i < 2_000; i++) record = drained(record, 10_000)
    for (let i = 0; i < 1_000; i++) record = drained(record, 100)
    const { drainMs } = toSyncMetrics(record)
    expect(drainMs?.p50).toBeLessThan(111)
    for (let i = 0; i < 1_000; i++) record = drained(record, 100)
    expect(toSyncMetrics(record).drainMs?.p95).toBeLessThan(111)
  })
})

describe('readMetrics', () => {
  it('gives what the drain has kept, or counts from now', async () => {
    const storage = await openStorage({ name: 'metrics' })
    expect((await readMetrics(storage, () => 5_000)).since).toEqual(new Date(5_000))
    await storage.meta.setItem(METRICS_KEY, withEnd(FRESH, { kind: 'confirmed', queuedMs: 5, attemptMs: 5 }))
    expect(await readMetrics(storage, () => 5_000)).toMatchObject({ since: new Date(1_000), confirmed: 1 })
    storage.close()
  })
})

describe('mergeMetrics', () => {
  it('gives the same in any order', () => {
    fc.assert(
      fc.property(records(), records(), records(), (a, b, c) => {
        expect(mergeMetrics(a, b)).toEqual(mergeMetrics(b, a))
        expect(mergeMetrics(mergeMetrics(a, b), c)).toEqual(mergeMetrics(a, mergeMetrics(b, c)))
        expect(mergeMetrics(a, { ...FRESH, since: a.since })).toEqual(a)
      }),
    )
  })

  it('is as if all had been counted in one', () => {
    const [left, right] = [
      [1, 10, 100, 1_000],
      [5, 50, 500],
    ]
    const apart = mergeMetrics(left.reduce(drained, FRESH), right.reduce(drained, FRESH))
    expect(apart).toEqual([...left, ...right].reduce(drained, FRESH))
  })
})

function drained(record: MetricsRecord, durationMs: number): MetricsRecord {
  return withDrain(record, durationMs)
}

function exact(all: readonly number[], percent: number): number {
  const sorted = [...all].sort((a, b) => a - b)
  return sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? Number.NaN
}

function expectWithin(value: number | undefined, expected: number): void {
  expect(Math.abs((value ?? Number.NaN) - expected) / expected).toBeLessThanOrEqual(0.1 + 1e-9)
}

function records(): fc.Arbitrary<MetricsRecord> {
  const kind = fc.constantFrom('confirmed', 'dead', 'conflict', 'retry', 'held')
  const step = fc.record({
    kind,
    queuedMs: fc.option(fc.nat(), { nil: undefined }),
    attemptMs: fc.nat(),
    size: fc.nat(),
  })
  return fc
    .tuple(fc.array(step), fc.nat())
    .map(([steps, since]) =>
      steps.reduce(
        (record, { size, ...end }) => withQueueSize(withEnd(record, end), size),
        metricsOf(undefined, since),
      ),
    )
}
