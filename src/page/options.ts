import type { QueueLimits } from '../outbox/append-context.ts'
import type { Handlers } from '../outbox/handlers.ts'
import type { PaceOptions } from '../outbox/pace/pace-options.ts'
import { DEFAULT_RETRY, type RetryOptions, type RetryPolicy } from '../outbox/retry-policy.ts'
import { type AnswerLimits, DEFAULT_SETTINGS, type KeySettings, type Settings } from '../outbox/settings.ts'
import { DEFAULT_NAME } from '../protocol/names.ts'
import { checkOptions, invalidOptions } from './check-options.ts'
import type { ConnectivityOptions } from './connectivity/probe.ts'
import type { WantedWorker } from './register-worker.ts'

/** How an outbox is set up. Every member has a default. */
export interface HoldfastOptions {
  /** Database, lock, channel and sync tags are named after it. Default: the plugin's `name`, else `holdfast`. */
  name?: string
  /**
   * The address of the service worker. Default: what the Vite plugin built, else `/sw.js`. `false`: no worker; the page
   * delivers while it is open.
   */
  worker?: string | false
  /** The app's own functions, by name; the worker imports the same module. */
  handlers?: Handlers
  /** The name of the auth provider among the handlers, which adds headers when something is sent. Default: none. */
  auth?: string
  /**
   * Whose queue this is; see `identify()`. `null`: nobody's. Default: whoever was named last on this device.
   */
  principal?: string | null
  /** The name of a judge among the handlers, whose word on an answer goes before the table of outcomes. Default: none. */
  judge?: string
  /** What 403 means. `hold` where signing in again may help. Default `refused`: a dead letter. */
  forbidden?: 'refused' | 'hold'
  /** How much may wait; beyond it `mutate()` rejects with `outbox-full`. Default: as much as the device has room for. */
  limits?: Partial<QueueLimits>
  /** How fast things are sent. Defaults: up to 6 requests at once to each origin, as many as it takes well; no batches. */
  pace?: PaceOptions
  /** Defaults: 8 attempts, `baseMs` 1000, `capMs` 60000, `maxAgeMs` 30 days. It holds for mutations made from now on. */
  retry?: RetryOptions
  /**
   * How the idempotency key travels. Defaults: `header` `Idempotency-Key`, `form` `quoted`, and to the app's own origin
   * only: `origins` are the others whose CORS rules allow the header.
   */
  idempotency?: Partial<KeySettings>
  /** How long, how many and how much of the answers is kept for `outbox.get()`. Defaults: a day, 10,000, 10 MiB. */
  answers?: Partial<AnswerLimits>
  /** How to find out whether the server is in reach, beyond what the browser says. Default: the worker's script is asked for. */
  connectivity?: ConnectivityOptions
}

/** The worker that the Vite plugin built, put in by its `define`; `false` where it builds none, as with `dev: false`. */
declare const __HOLDFAST_WORKER__: BuiltWorker | false | undefined

interface BuiltWorker {
  url: string
  scope: string
  name: string
  type?: WorkerType
}

export interface ResolvedOptions {
  name: string
  worker: WantedWorker | undefined
  principal: string | null | undefined
  limits: QueueLimits
  retry: RetryPolicy
  handlers: Handlers
  settings: Settings
  connectivity: ConnectivityOptions | undefined
}

/** Checks the options and fills in the defaults. Throws a `HoldfastError` of code `invalid-options`. */
export function resolveOptions(options: HoldfastOptions, base: string): ResolvedOptions {
  checkOptions(options)
  const built = typeof __HOLDFAST_WORKER__ === 'undefined' ? undefined : __HOLDFAST_WORKER__
  const { principal, handlers = {}, name = (built || undefined)?.name ?? DEFAULT_NAME } = options
  const isForAnother = built && options.worker === undefined && built.name !== name
  if (isForAnother) console.warn(deliversAnother(built.name, name))
  return {
    name,
    worker: isForAnother ? undefined : workerOf(options.worker, built),
    principal,
    limits: { mutations: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY, ...options.limits },
    retry: { ...DEFAULT_RETRY, ...options.retry },
    handlers,
    settings: settingsOf(options, handlers, base),
    connectivity: options.connectivity,
  }
}

function deliversAnother(built: string, name: string): string {
  return `"${name}" is sent by this page only: the built worker delivers "${built}". Give holdfast() the same name.`
}

function workerOf(
  worker: string | false | undefined,
  built: BuiltWorker | false | undefined,
): ResolvedOptions['worker'] {
  if (worker === false || (worker === undefined && built === false)) return undefined
  if (worker !== undefined) return { url: worker }
  return built || { url: '/sw.js' }
}

function settingsOf(options: HoldfastOptions, handlers: Handlers, base: string): Settings {
  const { auth, judge, forbidden, pace: { concurrency, endpoint, onSlowLink, ...pace } = {} } = options
  for (const [kind, name, known] of [
    ['auth', auth, handlers.auth],
    ['judge', judge, handlers.judges],
  ] as const) {
    if (name === undefined || Object.hasOwn(known ?? {}, name)) continue
    throw invalidOptions(
      `there is no ${kind} "${name}" among the handlers`,
      'Pass { handlers } with a function of that name.',
    )
  }
  const defaults = DEFAULT_SETTINGS
  return {
    version: defaults.version,
    pace: {
      ...defaults.pace,
      ...pace,
      concurrency: concurrencyOf(concurrency),
      endpoint: endpoint && new URL(endpoint, base).href,
      onSlowLink: {
        ...defaults.pace.onSlowLink,
        batchSize: Math.ceil((pace.batchSize ?? defaults.pace.batchSize) / 2),
        ...onSlowLink,
      },
    },
    auth,
    judge,
    forbidden: forbidden ?? defaults.forbidden,
    key: { ...defaults.key, ...options.idempotency },
    answers: { ...defaults.answers, ...options.answers },
  }
}

/** Who names only one bound means that one: the default of the other gives way. */
function concurrencyOf({ min, max }: NonNullable<PaceOptions['concurrency']> = {}): Settings['pace']['concurrency'] {
  const defaults = DEFAULT_SETTINGS.pace.concurrency
  const least = min ?? Math.min(defaults.min, max ?? defaults.min)
  const most = max ?? Math.max(defaults.max, least)
  if (least <= most) return { min: least, max: most }
  throw invalidOptions(
    `pace.concurrency.min (${least}) is above its max (${most})`,
    'Pass a min that is not above the max.',
  )
}
