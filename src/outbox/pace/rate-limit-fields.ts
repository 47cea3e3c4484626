import { type BareItem, parseStringList, type StringItem } from './structured-list.ts'

/** What `RateLimit` and `RateLimit-Policy` of an answer say. */
export interface RateLimit {
  /** Requests that may still be sent within `resetMs`; undefined where the answer does not say. */
  readonly remaining?: number
  /** How long `remaining` has to last, in milliseconds; undefined where the answer does not say. */
  readonly resetMs?: number
  readonly policies: readonly RateLimitPolicy[]
}

export interface RateLimitPolicy {
  readonly name: string
  readonly quota: number
  /** `requests`, `content-bytes`, `concurrent-requests`, or one that was registered later. */
  readonly unit: string
  readonly windowMs?: number
  /** The partition key, as base64. */
  readonly partition?: string
}

/**
 * Reads `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10, sections 3, 4 and 7; -11 reads
 * the same on the wire). A malformed field is ignored as a whole, and so are both on an answer out of a cache
 * (`Age` above 0). Where several limits hold, `remaining` and `resetMs` are those of the tightest that counts requests.
 * Undefined where nothing is said.
 *
 * `Retry-After` goes before it: that is the caller's to see to. Of another origin, a page sees these fields only where
 * the server lists them in `Access-Control-Expose-Headers`.
 *
 * @example
 * readRateLimit(new Headers({ ratelimit: '"default";r=50;t=30' })) // { remaining: 50, resetMs: 30000, policies: [] }
 */
export function readRateLimit(headers: Headers): RateLimit | undefined {
  if (Number(headers.get('age') ?? 0) > 0) return undefined
  const policies = readField(headers, 'ratelimit-policy', asPolicy) ?? []
  const limits = readField(headers, 'ratelimit', asLimit) ?? []
  const tightest = limits
    .map(limit => inForce(limit, policies))
    .filter(limit => limit !== undefined)
    .sort(tightestFirst)[0]
  if (!tightest && policies.length === 0) return undefined
  return { ...tightest, policies }
}

interface Limit {
  readonly name: string
  readonly remaining: number
  readonly resetMs: number | undefined
}

/** All or nothing: a list with one bad item is a malformed field. */
function readField<T>(headers: Headers, name: string, read: (item: StringItem) => T | undefined): T[] | undefined {
  const items = parseStringList(headers.get(name) ?? '')?.map(read)
  return items?.every(item => item !== undefined) ? items : undefined
}

function asPolicy({ value: name, parameters }: StringItem): RateLimitPolicy | undefined {
  const quota = parameters.get('q')
  const unit = parameters.get('qu')
  const window = parameters.get('w')
  const partition = parameters.get('pk')
  if (!isNatural(quota) || (unit && !isString(unit))) return undefined
  if ((window && !(isNatural(window) && window.value > 0)) || (partition && !isBytes(partition))) return undefined
  const windowMs = window && window.value * 1000
  return { name, quota: quota.value, unit: unit?.value ?? 'requests', windowMs, partition: partition?.value }
}

function asLimit({ value: name, parameters }: StringItem): Limit | undefined {
  const remaining = parameters.get('r')
  const seconds = parameters.get('t')
  const partition = parameters.get('pk')
  if (!isNatural(remaining) || (seconds && !isNatural(seconds)) || (partition && !isBytes(partition))) return undefined
  return { name, remaining: remaining.value, resetMs: seconds && seconds.value * 1000 }
}

/** A limit in bytes, or on what runs at once, is not one on requests over time. */
function inForce(
  { name, remaining, resetMs }: Limit,
  policies: readonly RateLimitPolicy[],
): { remaining: number; resetMs?: number } | undefined {
  const policy = policies.find(candidate => candidate.name === name)
  if (policy && policy.unit !== 'requests') return undefined
  return { remaining, resetMs: resetMs ?? policy?.windowMs }
}

/** Used up before not used up, then what has to last longest per request. */
function tightestFirst(a: { remaining: number; resetMs?: number }, b: { remaining: number; resetMs?: number }): number {
  const usedUp = Number(b.remaining === 0) - Number(a.remaining === 0)
  return usedUp || (b.resetMs ?? 0) / (b.remaining + 1) - (a.resetMs ?? 0) / (a.remaining + 1)
}

function isNatural(item: BareItem | undefined): item is Extract<BareItem, { type: 'integer' }> {
  return item?.type === 'integer' && item.value >= 0
}

function isString(item: BareItem): item is Extract<BareItem, { value: string }> {
  return item.type === 'string'
}

function isBytes(item: BareItem): item is Extract<BareItem, { value: string }> {
  return item.type === 'bytes'
}
