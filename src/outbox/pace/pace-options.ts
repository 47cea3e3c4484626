import { HoldfastError } from '../../protocol/errors.ts'

/** How fast the outbox sends. Every member has a default. */
export interface PaceOptions {
  /** How many mutations go into one request to `endpoint`, at most. Default 10. */
  batchSize?: number
  /** The rest between two batches, in milliseconds. Default 0. */
  delayMs?: number
  /**
   * How many requests may be under way at once towards one origin: within these bounds, as many as the server takes.
   * Defaults: 1 and 6, the connections that a browser opens to one HTTP/1.1 server. The same number twice fixes it.
   */
  concurrency?: { min?: number; max?: number }
  /** Where batches go. Default: none; every mutation is a request of its own. */
  endpoint?: string
}

export interface ResolvedPace {
  batchSize: number
  delayMs: number
  concurrency: { min: number; max: number }
  endpoint: string | undefined
}

export const DEFAULT_PACE: ResolvedPace = {
  batchSize: 10,
  delayMs: 0,
  concurrency: { min: 1, max: 6 },
  endpoint: undefined,
}

/**
 * Checks the options and fills in the defaults. Throws a `HoldfastError` of code `invalid-options`.
 *
 * @example
 * resolvePace({ concurrency: { max: 3 } }).concurrency // { min: 1, max: 3 }
 */
export function resolvePace(options: PaceOptions = {}): ResolvedPace {
  assertMembers(options, 'pace', Object.keys(DEFAULT_PACE))
  const { batchSize = DEFAULT_PACE.batchSize, delayMs = DEFAULT_PACE.delayMs, endpoint } = options
  assertWhole('pace.batchSize', batchSize)
  if (!(typeof delayMs === 'number' && delayMs >= 0 && Number.isFinite(delayMs))) {
    throw invalid(`pace.delayMs is ${shown(delayMs)}`, 'Pass a time in milliseconds, 0 or more.')
  }
  assertEndpoint(endpoint)
  return { batchSize, delayMs, endpoint, concurrency: concurrencyOf(options.concurrency) }
}

function concurrencyOf(concurrency: PaceOptions['concurrency'] = {}): ResolvedPace['concurrency'] {
  const defaults = DEFAULT_PACE.concurrency
  assertMembers(concurrency, 'pace.concurrency', Object.keys(defaults))
  // Who names only one bound means that one: the default of the other gives way.
  const min = concurrency.min ?? Math.min(defaults.min, concurrency.max ?? defaults.min)
  const max = concurrency.max ?? Math.max(defaults.max, min)
  assertWhole('pace.concurrency.min', min)
  assertWhole('pace.concurrency.max', max)
  if (min > max) {
    throw invalid(`pace.concurrency.min (${min}) is above its max (${max})`, 'Pass a min that is not above the max.')
  }
  return { min, max }
}

function assertMembers(value: unknown, name: string, members: string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${name} is ${shown(value)}`, `Pass an object with ${members.join(', ')}, or leave it out.`)
  }
  const stranger = Object.keys(value).find(member => !members.includes(member))
  if (stranger) throw invalid(`there is no option "${name}.${stranger}"`, `Use only ${members.join(', ')}.`)
}

function assertWhole(name: string, value: unknown): void {
  if (!(Number.isSafeInteger(value) && (value as number) >= 1)) {
    throw invalid(`${name} is ${shown(value)}`, 'Pass a whole number, 1 or more.')
  }
}

/** `fetch` refuses an address with a user name in it. */
function assertEndpoint(endpoint: unknown): void {
  if (endpoint === undefined) return
  const base = 'https://page.invalid'
  const url = typeof endpoint === 'string' && URL.canParse(endpoint, base) ? new URL(endpoint, base) : undefined
  const isUsable = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && endpoint !== ''
  if (!isUsable) {
    throw invalid(`pace.endpoint is ${shown(endpoint)}`, 'Pass an http or https address, such as "/api/batch".')
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value)
}

function invalid(reason: string, hint: string): HoldfastError {
  return new HoldfastError({ code: 'invalid-options', action: 'set up Holdfast', reason, hint })
}
