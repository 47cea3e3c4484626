import type { WriteGroup } from '../outbox/append.ts'
import type { DeadLetters, DeadLettersPorts } from '../outbox/dead-letters.ts'
import type { DrainForPorts } from '../outbox/drain-for.ts'
import type { Outbox, OutboxPorts } from '../outbox/outbox.ts'
import type { Platform } from '../outbox/platform.ts'
import type { SyncMetrics } from '../outbox/sync-metrics.ts'
import { HoldfastError } from '../protocol/errors.ts'
import type { DrainResult } from '../protocol/messages.ts'
import type { LivePorts } from './live.ts'
import type { Wake } from './wake.ts'
import type { WorkerLink } from './worker-link.ts'

type OnDemand = typeof import('./on-demand.ts')

export interface LaterPorts extends Omit<OutboxPorts, 'wake'>, Omit<DeadLettersPorts, 'wake'> {
  drainPorts: () => Promise<Omit<DrainForPorts, keyof Platform>>
  link: WorkerLink
  wake: Wake
  name: string
  signal: AbortSignal
  live: Omit<LivePorts, 'channel' | 'wake' | 'signal'>
}

/** The parts of the client that are loaded after it. Each call waits for them, and rejects with `not-loaded` if it must. */
export interface Later {
  outbox: Outbox
  deadLetters: DeadLetters
  metrics(): Promise<SyncMetrics>
  /** What only some writes need: coalescing, references. */
  loadRare: () => Promise<OnDemand>
  loadCoalescing: () => Promise<WriteGroup>
  /** Drains in this page until nothing more is due; the page's timer comes again for what will be. */
  drain(eager: boolean): Promise<DrainResult>
  /** Has the worker drain, or else this page, and resolves when nothing more is due. */
  sync(): Promise<DrainResult>
}

/** A drain in a page is bound to no event; this long it goes on before it looks anew. */
const BUDGET_MS = 120_000

/** Begins to load those parts at once, so that they are there when the network is not. */
export function createLater(ports: LaterPorts): Later {
  const { channel, wake, signal } = ports
  let isLive = false
  const load = async () => {
    const parts = await import('./on-demand.ts').catch(notLoaded)
    if (!isLive && !signal.aborted) parts.startLive({ ...ports.live, channel, wake, signal })
    isLive = true
    return parts
  }
  load().catch(() => undefined)

  async function drain(eager: boolean): Promise<DrainResult> {
    const { browserPlatform, drainFor } = await load()
    const platform = { ...browserPlatform(), ...(await ports.drainPorts()) }
    return drainFor(platform, { budgetMs: BUDGET_MS, eager, once: true })
  }

  return {
    outbox: lazily(async () => (await load()).createOutbox(ports), OUTBOX, ports.subscribe),
    deadLetters: lazily(async () => (await load()).createDeadLetters(ports), DEAD_LETTERS, ports.subscribe),
    metrics: async () => (await load()).readMetrics(await ports.open()),
    loadRare: load,
    loadCoalescing: async () => (await load()).writeCoalescing,
    drain,
    async sync() {
      const { askWorker } = await load()
      const worker = (await ports.link.soon())?.active
      return worker ? askWorker(worker, ports) : drain(true)
    },
  }
}

const OUTBOX = ['list', 'get', 'count', 'cancel', 'retry'] as const
const DEAD_LETTERS = ['list', 'get', 'retry', 'discard', 'export', 'import'] as const

/** The methods of something that is made when the first of them is called. */
function lazily<T extends { subscribe: unknown }, K extends Exclude<keyof T, 'subscribe'>>(
  make: () => Promise<T>,
  methods: readonly K[],
  subscribe: T['subscribe'],
): T {
  const call =
    (method: K) =>
    async (...given: unknown[]) =>
      ((await make()) as Record<K, (...given: unknown[]) => unknown>)[method](...given)
  return { subscribe, ...Object.fromEntries(methods.map(method => [method, call(method)])) } as unknown as T
}

function notLoaded(cause: unknown): never {
  throw new HoldfastError({
    code: 'not-loaded',
    action: 'load the rest of Holdfast',
    reason: 'its file could not be fetched',
    hint: 'What is recorded is safe. Reload the page when there is a network.',
    cause,
  })
}
