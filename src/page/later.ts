import type { WriteGroup } from '../outbox/append.ts'
import type { DeadLetters } from '../outbox/dead-letters.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { HoldfastError } from '../protocol/errors.ts'
import type { Rest, RestPorts } from './rest.ts'

/** The parts of the client that are loaded after it. Each call waits for them, and rejects with `not-loaded` if it must. */
export interface Later extends Pick<Rest, 'outbox' | 'deadLetters' | 'metrics' | 'drainHere' | 'sync'> {
  /** What only some writes need: references, and the texts of refusals. */
  loadRare: () => Promise<Rest>
  loadCoalescing: () => Promise<WriteGroup>
}

/** Begins to load those parts at once, so that they are there when the network is not. */
export function createLater(ports: RestPorts): Later {
  let rest: Rest | undefined
  const load = async () => {
    const { createRest } = await import('./on-demand.ts').catch(notLoaded)
    rest ??= createRest(ports)
    return rest
  }
  const begin = () => ports.signal.aborted || load().catch(() => setTimeout(begin, AGAIN_MS))
  void begin()
  return {
    outbox: lazily<Outbox, (typeof OUTBOX)[number]>(async () => (await load()).outbox, OUTBOX, ports.subscribe),
    deadLetters: lazily<DeadLetters, (typeof DEAD_LETTERS)[number]>(
      async () => (await load()).deadLetters,
      DEAD_LETTERS,
      ports.subscribe,
    ),
    metrics: async () => (await load()).metrics(),
    loadRare: load,
    loadCoalescing: async () => (await load()).writeCoalescing,
    drainHere: async eager => (await load()).drainHere(eager),
    sync: async () => (await load()).sync(),
  }
}

/** Without them nothing looks at the queue: the network may have failed just then. */
const AGAIN_MS = 10_000

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
    hint: 'Nothing is lost. Try again later.',
    cause,
  })
}
