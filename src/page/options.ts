import { DEFAULT_RETRY, type RetryOptions, type RetryPolicy } from '../outbox/retry-policy.ts'
import { HoldfastError } from '../protocol/errors.ts'
import { DEFAULT_NAME } from '../protocol/names.ts'

/** How an outbox is set up. Every member has a default. */
export interface HoldfastOptions {
  /** Database, lock, channel and sync tags are named after it. Default: the plugin's `name`, else `holdfast`. */
  name?: string
  /**
   * The address of the service worker. Default: what the Vite plugin built, else `/sw.js`. `false`: no worker; the page
   * delivers while it is open.
   */
  worker?: string | false
  /** Defaults: 8 attempts, `baseMs` 1000, `capMs` 60000, `maxAgeMs` 30 days. It holds for mutations made from now on. */
  retry?: RetryOptions
}

/** The worker that the Vite plugin built, put in by its `define`; `false` where it builds none, as with `dev: false`. */
declare const __HOLDFAST_WORKER__: BuiltWorker | false | undefined

interface BuiltWorker {
  url: string
  scope: string
  name: string
}

export interface ResolvedOptions {
  name: string
  worker: { url: string; scope?: string } | undefined
  retry: RetryPolicy
}

/** Checks the options and fills in the defaults. Throws a `HoldfastError` of code `invalid-options`. */
export function resolveOptions(options: HoldfastOptions): ResolvedOptions {
  for (const member of Object.keys(options)) {
    if (!MEMBERS.has(member)) throw invalid(`there is no option "${member}"`, `Use only ${[...MEMBERS].join(', ')}.`)
  }
  const built = typeof __HOLDFAST_WORKER__ === 'undefined' ? undefined : __HOLDFAST_WORKER__
  const name = options.name ?? (built || undefined)?.name ?? DEFAULT_NAME
  if (typeof name !== 'string' || name === '') throw invalid('its name is not a text', 'Pass a name such as "my-app".')
  const isForAnother = built && options.worker === undefined && built.name !== name
  if (isForAnother) console.warn(deliversAnother(built.name, name))
  const worker = isForAnother ? undefined : workerOf(options.worker, built)
  return { name, worker, retry: retryOf(options.retry) }
}

function deliversAnother(built: string, name: string): string {
  return `"${name}" is sent by this page only: the built worker delivers "${built}". Give holdfast() the same name.`
}

const MEMBERS = new Set(['name', 'worker', 'retry'])

function workerOf(worker: unknown, built: BuiltWorker | false | undefined): ResolvedOptions['worker'] {
  if (worker === false || (worker === undefined && built === false)) return undefined
  if (worker === undefined) return built ? { url: built.url, scope: built.scope } : { url: '/sw.js' }
  if (typeof worker === 'string' && worker !== '') return { url: worker }
  throw invalid('its worker is not an address', 'Pass the address of the service worker, or false for none.')
}

function retryOf(retry: RetryOptions = {}): RetryPolicy {
  for (const [name, value] of Object.entries(retry)) {
    if (!(name in DEFAULT_RETRY)) throw invalid(`there is no option "retry.${name}"`, `Use ${RETRY_NAMES}.`)
    if (!(typeof value === 'number' && value >= (name === 'attempts' ? 1 : 0))) {
      throw invalid(`retry.${name} is ${String(value)}`, 'Pass a positive number (times are in milliseconds).')
    }
  }
  return { ...DEFAULT_RETRY, ...retry }
}

const RETRY_NAMES = 'attempts, baseMs, capMs or maxAgeMs'

function invalid(reason: string, hint: string): HoldfastError {
  return new HoldfastError({ code: 'invalid-options', action: 'set up Holdfast', reason, hint })
}
