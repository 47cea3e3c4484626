import type { Storage } from '../storage/open-storage.ts'
import { BUCKET_RATIO, METRICS_KEY, type MetricsRecord, metricsOf, type Weights } from './metrics.ts'

/**
 * How delivery goes on this device, for a dashboard or an alert. The counts are those since `since`; rates and
 * quantiles tell of the last some hundred samples, older ones counting ever less. A rate or a quantile of nothing is
 * undefined.
 *
 * How long the device was offline is not among them: nobody counts while no page and no worker runs, and a browser that
 * says "online" may have no way out. `queuedMs` says what it cost: how long writes waited.
 */
export interface SyncMetrics {
  since: Date
  /** Mutations that the server took. */
  confirmed: number
  /** Mutations that became dead letters. */
  dead: number
  /** Mutations that the server refused since its record had changed. */
  conflicts: number
  /** Attempts that failed and are made again. */
  retries: number
  /** Attempts after which the queue was held, for want of a sign-in. */
  held: number
  attempts: number
  drains: number
  /** Confirmed ones among all mutations that ended: 0 to 1. */
  successRate: number | undefined
  /** Conflicts among all mutations that ended: 0 to 1. */
  conflictRate: number | undefined
  /** Failed attempts that are made again, among all attempts that ended: 0 to 1. */
  retryRate: number | undefined
  /** From `mutate()` to the end. Milliseconds. */
  queuedMs: Quantiles | undefined
  /** One HTTP attempt. Milliseconds. */
  attemptMs: Quantiles | undefined
  /** One run of the drain. Milliseconds. */
  drainMs: Quantiles | undefined
  /** Mutations that waited, in each turn of a drain: whole numbers. */
  queueSize: Quantiles | undefined
}

/** The value that half of the samples, and 95 % of them, do not exceed: within 10 % from 1 up. */
export interface Quantiles {
  p50: number
  p95: number
}

/** Reads what was counted and measured on this device; where nothing was, the counts begin now. */
export async function readMetrics(storage: Pick<Storage, 'meta'>, now: () => number = Date.now): Promise<SyncMetrics> {
  return toSyncMetrics(metricsOf(await storage.meta.getItem(METRICS_KEY), now()))
}

/**
 * Makes numbers of the stored record.
 *
 * @example
 * const record = withEnd(metricsOf(undefined, 0), { kind: 'confirmed', queuedMs: 340, attemptMs: 90 })
 * toSyncMetrics(record).successRate // 1
 */
export function toSyncMetrics({ since, totals, recent }: MetricsRecord): SyncMetrics {
  const [confirmed = 0, dead = 0, conflict = 0, retry = 0, held = 0] = recent.ends ?? []
  const ended = confirmed + dead + conflict
  return {
    since: new Date(since),
    confirmed: totals.confirmed ?? 0,
    dead: totals.dead ?? 0,
    conflicts: totals.conflict ?? 0,
    retries: totals.retry ?? 0,
    held: totals.held ?? 0,
    attempts: totals.attempts ?? 0,
    drains: totals.drains ?? 0,
    successRate: share(confirmed, ended),
    conflictRate: share(conflict, ended),
    retryRate: share(retry, ended + retry + held),
    queuedMs: quantiles(recent.queuedMs),
    attemptMs: quantiles(recent.attemptMs),
    drainMs: quantiles(recent.drainMs),
    queueSize: whole(quantiles(recent.queueSize)),
  }
}

/**
 * One record of two: of two queues, or of two devices. The order does not matter, nor what was merged before.
 */
export function mergeMetrics(a: MetricsRecord, b: MetricsRecord): MetricsRecord {
  return {
    version: a.version,
    since: Math.min(a.since, b.since),
    totals: merged(a.totals, b.totals, (one = 0, other = 0) => one + other),
    recent: merged(a.recent, b.recent, (one = [], other = []) => {
      const longer = one.length > other.length ? one : other
      return longer.map((_, index) => (one[index] ?? 0) + (other[index] ?? 0))
    }),
  }
}

type ByName<T> = Readonly<Record<string, T>>

function merged<T>(a: ByName<T>, b: ByName<T>, merge: (one?: T, other?: T) => T): ByName<T> {
  return Object.fromEntries(Object.keys({ ...a, ...b }).map(name => [name, merge(a[name], b[name])]))
}

function share(part: number, whole: number): number | undefined {
  return whole > 0 ? part / whole : undefined
}

function quantiles(weights: Weights = []): Quantiles | undefined {
  return weights.length > 0 ? { p50: percentile(weights, 50), p95: percentile(weights, 95) } : undefined
}

function whole(sizes: Quantiles | undefined): Quantiles | undefined {
  return sizes && { p50: Math.round(sizes.p50), p95: Math.round(sizes.p95) }
}

/** The value of the first bucket up to which so many hundredths of the weight lie. */
function percentile(weights: Weights, percent: number): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let below = 0
  const bucket = weights.findIndex(weight => {
    below += weight
    return below * 100 >= total * percent
  })
  return middleOf(bucket)
}

/** As far from one end of the bucket as from the other, in proportion. */
function middleOf(bucket: number): number {
  return bucket === 0 ? 0 : (2 * BUCKET_RATIO ** (bucket - 1)) / (BUCKET_RATIO + 1)
}
