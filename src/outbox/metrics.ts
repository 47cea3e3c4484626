/**
 * How delivery goes on this device, as `meta` keeps it. Plain data, less than 2 kB as JSON whatever comes, and updated
 * by whoever drains. `toSyncMetrics()` makes numbers of it.
 */
export interface MetricsRecord {
  readonly version: typeof VERSION
  /** When counting began. Milliseconds since the epoch. */
  readonly since: number
  /** How attempts ended, how many mutations died unsent, and how many drains there were: all since then. */
  readonly totals: Readonly<Record<string, number>>
  /** What happened lately, with older things counting ever less. */
  readonly recent: Readonly<Partial<Record<RecentName, Weights>>>
}

/** One for each bucket or, of `ends`, for each of `END_KINDS`. */
export type Weights = readonly number[]

export type RecentName = 'ends' | 'queuedMs' | 'attemptMs' | 'drainMs' | 'queueSize'

/** What became of one mutation, or of one attempt to send it. */
export interface End {
  readonly kind: (typeof END_KINDS)[number]
  /** From `mutate()` to the end; left out for a `retry` and a `held`, which are none. Milliseconds. */
  readonly queuedMs?: number
  /** How long the attempt took; left out where none was made. Milliseconds. */
  readonly attemptMs?: number
}

const END_KINDS = ['confirmed', 'dead', 'conflict', 'retry', 'held'] as const

/** The record of `meta` that holds them. */
export const METRICS_KEY = 'metrics'

const VERSION = 1
/** What a new sample weighs: it can be halved three times, and is forgotten the fourth time. */
const WEIGHT = 8
/** That of 512 new samples. */
const MOST_WEIGHT = 4096
/** The relative error of a value read from its bucket. */
const ERROR = 0.1

/** Each bucket ends at so many times the end of the one below. */
export const BUCKET_RATIO = (1 + ERROR) / (1 - ERROR)
/** Holds all that is longer than 36 days, in milliseconds. Buckets begin at 0: there are 112. */
export const LAST_BUCKET = 111

/** The stored record; a fresh one where there is none, or one of another version. */
export function metricsOf(stored: unknown, now: number): MetricsRecord {
  const record = stored as MetricsRecord | undefined
  return record?.version === VERSION ? record : { version: VERSION, since: now, totals: {}, recent: {} }
}

/**
 * Counts how an attempt, or a mutation that was never sent, ended. Changes nothing; gives the next record, as the two
 * functions below do.
 *
 * Numbers are kept in buckets that grow by a constant ratio, so that a quantile read from them is off by 10 % at most
 * (DDSketch: Masson, Rim and Lee, VLDB 2019), from 1 up to 30 days in milliseconds. Old behaviour fades: of each kind of
 * sample all weights are halved whenever they come to that of 512 new ones; after 1,024 more samples one counts for an
 * eighth at most. What cannot be a duration (the clock was set back) is left out.
 *
 * @example
 * const record = withEnd(metricsOf(undefined, Date.now()), { kind: 'confirmed', queuedMs: 340, attemptMs: 90 })
 * record.totals // { confirmed: 1, attempts: 1 }
 */
export function withEnd(record: MetricsRecord, { kind, queuedMs, attemptMs }: End): MetricsRecord {
  const counted = sampled(total(record, kind), 'queuedMs', queuedMs)
  const attempted = attemptMs === undefined ? counted : sampled(total(counted, 'attempts'), 'attemptMs', attemptMs)
  return added(attempted, 'ends', END_KINDS.indexOf(kind))
}

/** To be called once in each turn of the drain, with the number of mutations that wait. */
export function withQueueSize(record: MetricsRecord, size: number): MetricsRecord {
  return sampled(record, 'queueSize', size)
}

/** To be called at the end of a drain. */
export function withDrain(record: MetricsRecord, durationMs: number): MetricsRecord {
  return sampled(total(record, 'drains'), 'drainMs', durationMs)
}

function total(record: MetricsRecord, name: string): MetricsRecord {
  return { ...record, totals: { ...record.totals, [name]: (record.totals[name] ?? 0) + 1 } }
}

/** Bucket 0 is for 0, and the next for all up to 1; what is no number at all gets into none. */
function sampled(record: MetricsRecord, name: RecentName, value = Number.NaN): MetricsRecord {
  if (!(value >= 0)) return record
  const bucket = value < 0.5 ? 0 : 1 + Math.ceil(Math.max(0, Math.log(value) / Math.log(BUCKET_RATIO)))
  return added(record, name, Math.min(bucket, LAST_BUCKET))
}

function added(record: MetricsRecord, name: RecentName, index: number): MetricsRecord {
  const weights = [...(record.recent[name] ?? [])]
  while (weights.length <= index) weights.push(0)
  weights[index] = (weights[index] ?? 0) + WEIGHT
  const isFull = weights.reduce((sum, weight) => sum + weight) >= MOST_WEIGHT
  return { ...record, recent: { ...record.recent, [name]: isFull ? weights.map(weight => weight >> 1) : weights } }
}
