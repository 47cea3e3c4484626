import type { DeadLetters, DeadLettersPorts } from '../outbox/dead-letters.ts'
import type { DrainForPorts } from '../outbox/drain-for.ts'
import type { Outbox, OutboxPorts } from '../outbox/outbox.ts'
import type { Platform } from '../outbox/platform.ts'
import { HoldfastError } from '../protocol/errors.ts'
import type { DrainResult } from '../protocol/messages.ts'
import type { WorkerLink } from './worker-link.ts'

export interface LaterPorts extends OutboxPorts, DeadLettersPorts {
  drainPorts: () => Promise<Omit<DrainForPorts, keyof Platform>>
  link: WorkerLink
  name: string
  signal: AbortSignal
}

/** The parts of the client that are loaded after it. Each call waits for them, and rejects with `not-loaded` if it must. */
export interface Later {
  outbox: Outbox
  deadLetters: DeadLetters
  /** Drains in this page until nothing more is due; the page's timer comes again for what will be. */
  drain(eager: boolean): Promise<DrainResult>
  /** Has the worker drain, or else this page, and resolves when nothing more is due. */
  sync(): Promise<DrainResult>
}

/** A drain in a page is bound to no event; this long it goes on before it looks anew. */
const BUDGET_MS = 120_000

/** Begins to load those parts at once, so that they are there when the network is not. */
export function createLater(ports: LaterPorts): Later {
  const load = () => import('./on-demand.ts').catch(notLoaded)
  const outbox = async () => (await load()).createOutbox(ports)
  const deadLetters = async () => (await load()).createDeadLetters(ports)
  load().catch(() => undefined)

  async function drain(eager: boolean): Promise<DrainResult> {
    const { browserPlatform, drainFor } = await load()
    const platform = { ...browserPlatform(), ...(await ports.drainPorts()) }
    return drainFor(platform, { budgetMs: BUDGET_MS, eager, once: true })
  }

  return {
    outbox: {
      list: async filter => (await outbox()).list(filter),
      get: async id => (await outbox()).get(id),
      count: async () => (await ports.open()).mutations.count(),
      cancel: async id => (await outbox()).cancel(id),
      subscribe: ports.subscribe,
    },
    deadLetters: {
      list: async () => (await deadLetters()).list(),
      get: async id => (await deadLetters()).get(id),
      retry: async id => (await deadLetters()).retry(id),
      discard: async id => (await deadLetters()).discard(id),
      subscribe: ports.subscribe,
    },
    drain,
    async sync() {
      const { askWorker } = await load()
      const worker = (await ports.link.soon())?.active
      return worker ? askWorker(worker, ports) : drain(true)
    },
  }
}

function notLoaded(cause: unknown): never {
  throw new HoldfastError({
    code: 'not-loaded',
    action: 'load the rest of Holdfast',
    reason: 'its file could not be fetched',
    hint: 'Nothing is lost: writes are still recorded. Reload the page when there is a network.',
    cause,
  })
}
