import 'fake-indexeddb/auto'
import type { DrainResult } from '../protocol/messages.ts'
import type { Mutation } from '../protocol/mutation.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { createChannel } from '../tabs/channel.ts'
import { createAppend } from './append.ts'
import { type AppendContext, ofNobody } from './append-context.ts'
import { COUNTERS_KEY, type Counters, NO_COUNTERS } from './counters.ts'
import { createDeadLetters, type DeadLetters } from './dead-letters.ts'
import type { DeadRecord } from './dead-record.ts'
import { drain } from './drain.ts'
import { type DrainForOptions, drainFor } from './drain-for.ts'
import type { DrainOptions, DrainPorts } from './drain-run.ts'
import { type MutationInput, type PreparedMutation, prepareMutation } from './mutation-input.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { identify } from './principal.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'
import { DEFAULT_SETTINGS, SETTINGS_KEY, type Settings } from './settings.ts'
import { createVirtualTime, type VirtualTime } from './virtual-time.fixture.ts'

/** One request that reached the network. */
export interface SentRequest {
  origin: string
  path: string
  method: string
  headers: Headers
  credentials: RequestCredentials | undefined
  /** The value of `Idempotency-Key`; empty where there is none. */
  key: string
  /** When it left. Milliseconds since the epoch. */
  at: number
  signal: AbortSignal | undefined
}

/** Answers a request; may throw, and may take virtual time with `engine.time.sleep()`. `nth`: from 1, by path. */
export type Answer = (request: SentRequest, nth: number) => Response | Promise<Response>

export const OWN_ORIGIN = 'https://app.example'

/** The shipping engine over a database in memory, with a network that the test answers for and a clock that it owns. */
export interface Engine {
  storage: Storage
  ports: DrainPorts
  time: VirtualTime
  /** The network, to be replaced. At first: 200 at once. */
  answer: Answer
  isOnline: boolean
  sent: SentRequest[]
  /** The most that were under way at once. */
  most: number
  /** How many transactions that may change the queue have begun. */
  transactions: number
  paths(): string[]
  record(...inputs: (string | MutationInput)[]): Promise<string[]>
  recordFor(context: Partial<AppendContext>, ...inputs: (string | MutationInput)[]): Promise<string[]>
  settings(changes: Partial<Settings>): Promise<void>
  /** One run of the drain, carried by virtual time. Default deadline: 150 s from now. */
  drain(options?: Partial<DrainOptions> & { ports?: Partial<DrainPorts> }): Promise<DrainResult>
  /** A run whose context is killed when its first request has left: nothing that it does later happens. */
  drainAndDie(): Promise<void>
  /** Passes with waits between them, as an event carries them. */
  drainFor(options: DrainForOptions): Promise<DrainResult>
  /** Says who uses the app, and tells those who drain. */
  identify(principal: string | undefined): Promise<void>
  /** As the app of that person sees it. */
  outbox(principal?: string): Outbox
  deadLetters(principal?: string): DeadLetters
  /** By sequence. */
  queue(): Promise<Mutation[]>
  find(id: string): Promise<Mutation | undefined>
  dead(): Promise<DeadRecord[]>
  counters(): Promise<Counters>
  meta<T>(key: string): Promise<T | undefined>
  close(): void
}

let engines = 0

export async function createEngine(): Promise<Engine> {
  engines += 1
  const name = `engine-${engines}`
  const opened = await openStorage({ name })
  const channel = createChannel(name)
  const time = createVirtualTime(Date.parse('2026-11-21T12:00:00Z'))
  const storage: Storage = {
    ...opened,
    transact: (...args) => {
      engine.transactions += args[1] === 'readwrite' ? 1 : 0
      return time.busy(opened.transact(...args))
    },
    write: (...args) => time.busy(opened.write(...args)),
  }
  let ids = 0
  const prepare = (input: string | MutationInput): PreparedMutation | Promise<PreparedMutation> => {
    ids += 1
    const id = `id-${String(ids).padStart(5, '0')}`
    const whole = typeof input === 'string' ? { url: input } : input
    const ports = { base: `${OWN_ORIGIN}/`, now: time.now, newId: () => id, retry: DEFAULT_RETRY }
    return prepareMutation(whole, { ...ports, loadRare: () => import('./rare-input.ts') })
  }
  let underWay = 0
  const views = {
    open: async () => storage,
    channel,
    now: time.now,
    newId: () => crypto.randomUUID(),
    settledOf: () => new Promise<never>(() => undefined),
    wake: () => {},
    subscribe: () => () => {},
  }
  const engine: Engine = {
    storage,
    time,
    answer: () => new Response(null, { status: 200 }),
    isOnline: true,
    sent: [],
    most: 0,
    transactions: 0,
    ports: {
      storage,
      channel,
      origin: OWN_ORIGIN,
      now: time.now,
      random: () => 0.5,
      isOnline: () => engine.isOnline,
      timeout: time.timeout,
      sleep: time.sleep,
      holder: 'me',
      async fetch(url, init) {
        const request = requestOf(String(url), init, time.now())
        engine.sent.push(request)
        underWay += 1
        engine.most = Math.max(engine.most, underWay)
        try {
          const nth = engine.sent.filter(({ path }) => path === request.path).length
          return await Promise.race([engine.answer(request, nth), abortOf(request.signal)])
        } finally {
          underWay -= 1
        }
      },
    },
    paths: () => engine.sent.map(({ path }) => path),
    record: (...inputs) => engine.recordFor({}, ...inputs),
    async recordFor(context, ...inputs) {
      const append = createAppend(storage, { now: time.now, context: () => ({ ...ofNobody(), ...context }) })
      const made: string[] = []
      for (const input of inputs) made.push((await append(await prepare(input))).id)
      return made
    },
    async settings(changes) {
      await storage.meta.setItem(SETTINGS_KEY, { ...DEFAULT_SETTINGS, ...changes })
    },
    drain({ ports = {}, ...options } = {}) {
      const whole = { deadline: time.now() + 150_000, eagerBefore: 0, exclusive: true, ...options }
      return time.drive(drain({ ...engine.ports, ...ports }, whole))
    },
    drainAndDie: () =>
      new Promise((resolve, reject) => {
        let isDead = false
        const transact: Storage['transact'] = (...args) =>
          isDead ? new Promise(() => undefined) : storage.transact(...args)
        const ports: DrainPorts = {
          ...engine.ports,
          storage: { ...storage, transact },
          holder: 'killed',
          timeout: () => new AbortController().signal,
          fetch(url, init) {
            engine.sent.push(requestOf(String(url), init, time.now()))
            isDead = true
            resolve()
            return new Promise(() => undefined)
          },
        }
        drain(ports, { deadline: time.now() + 150_000, eagerBefore: 0, exclusive: true }).catch(reject)
      }),
    drainFor: options => time.drive(drainFor({ ...engine.ports, locks: undefined, lockName: name }, options)),
    async identify(principal) {
      await identify(storage, principal)
      channel.post('changed', { ids: [] })
    },
    outbox: principal => createOutbox({ ...views, principal: () => principal }),
    deadLetters: principal => createDeadLetters({ ...views, principal: () => principal }),
    queue: async () => (await storage.mutations.range<Mutation>()).sort((a, b) => a.sequence - b.sequence),
    find: async id => (await engine.queue()).find(one => one.id === id),
    dead: () => storage.dead.range<DeadRecord>(),
    counters: async () => (await engine.meta<Counters>(COUNTERS_KEY)) ?? NO_COUNTERS,
    meta: async key => (await storage.meta.getItem(key)) ?? undefined,
    close() {
      channel.close()
      opened.close()
    },
  }
  return engine
}

function requestOf(url: string, init: RequestInit | undefined, at: number): SentRequest {
  const { origin, pathname: path } = new URL(url)
  const headers = new Headers(init?.headers)
  const { method = 'GET', credentials, signal } = init ?? {}
  const key = headers.get('idempotency-key') ?? ''
  return { origin, path, method, headers, credentials, key, at, signal: signal ?? undefined }
}

function abortOf(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason))
  })
}
