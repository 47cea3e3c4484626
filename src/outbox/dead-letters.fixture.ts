import 'fake-indexeddb/auto'
import type { Mutation } from '../protocol/mutation.ts'
import { laneOf } from '../protocol/queue-key.ts'
import type { SendOutcome, Settlement } from '../protocol/settlement.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { createChannel } from '../tabs/channel.ts'
import { createAppend } from './append.ts'
import { COUNTERS_KEY, type Counters, NO_COUNTERS, type Tally, tallyOf } from './counters.ts'
import { createDeadLetters, type DeadLetters } from './dead-letters.ts'
import type { DeadRecord } from './dead-record.ts'
import { type MutationInput, prepareMutation } from './mutation-input.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { identify } from './principal.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'
import { takeTurn } from './turn.ts'

/** A database with what a person sees of it, and attempts that end as the test says. */
export interface Device {
  storage: Storage
  outbox: Outbox
  deadLetters: DeadLetters
  /** The types of the messages that went over the channel. */
  heard: string[]
  woken: number
  now: number
  /** What `settledOf()` was asked for, and how to answer. */
  settle: Map<string, (settlement: Settlement) => void>
  identify(principal: string | undefined): Promise<void>
  record(id: string, input?: Partial<MutationInput>): Promise<void>
  /** Claims the next one; with `ending`, ends that attempt so. */
  attempt(ending?: SendOutcome): Promise<Mutation>
  /** Records a write that is refused. */
  recordDead(id: string, input?: Partial<MutationInput>): Promise<void>
  /** The mutation in the queue, as it is stored. */
  waiting(id: string): Promise<Mutation>
  dead(id: string): Promise<DeadRecord>
  /** What the present user has. */
  tally(): Promise<Tally>
  close(): void
}

export const CONFIRMED: SendOutcome = { kind: 'confirmed', status: 201, headers: {}, body: { id: 7 } }
export const REFUSED: SendOutcome = {
  kind: 'refused',
  status: 422,
  message: 'Too long',
  problem: { type: 'about:blank', title: 'Too long' },
  costsAttempt: true,
  uncertain: false,
}
/** The connection broke off. */
export const UNCERTAIN: SendOutcome = {
  kind: 'retry',
  code: 'network',
  message: 'No answer',
  costsAttempt: false,
  uncertain: true,
}

let devices = 0

export async function createDevice(): Promise<Device> {
  devices += 1
  const name = `device-${devices}`
  const storage = await openStorage({ name })
  const channel = createChannel(name)
  let principal: string | undefined
  let ids = 0
  const now = () => device.now
  const ports = {
    open: async () => storage,
    channel,
    now,
    newId: () => {
      ids += 1
      return `new-${ids}`
    },
    principal: () => principal,
    settledOf: (id: string) => new Promise<Settlement>(resolve => device.settle.set(id, resolve)),
    subscribe: (fn: () => void) => channel.onMessage(fn),
    wake: () => {
      device.woken += 1
    },
  }
  const limits = { mutations: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }
  const append = createAppend(storage, { now, context: () => ({ principal, limits }) })
  const device: Device = {
    storage,
    outbox: createOutbox(ports),
    deadLetters: createDeadLetters(ports),
    heard: [],
    woken: 0,
    now: Date.parse('2026-11-21T12:00:00Z'),
    settle: new Map(),
    async identify(next) {
      principal = next
      await identify(storage, next)
    },
    async record(id, input = {}) {
      const loadRare = () => import('./rare-input.ts')
      const context = { base: 'https://app.example', now, newId: () => id, retry: DEFAULT_RETRY, loadRare }
      await append(await prepareMutation({ url: `/${id}`, ...input }, context))
    },
    async attempt(ending) {
      const [claimed] = (await turn([], 1)).claim.claimed
      if (!claimed) throw new Error('expected a claim')
      if (ending) await turn([{ mutation: claimed.mutation, ending }], 0)
      return claimed.mutation
    },
    async recordDead(id, input) {
      await device.record(id, input)
      const { id: attempted } = await device.attempt(REFUSED)
      if (attempted !== id) throw new Error(`expected an attempt of "${id}", not of "${attempted}"`)
    },
    async waiting(id) {
      const all = await storage.mutations.range<Mutation>()
      return all.find(mutation => mutation.id === id) ?? fail(id)
    },
    dead: async id => (await storage.dead.getItem<DeadRecord>(id)) ?? fail(id),
    async tally() {
      const counters = (await storage.meta.getItem<Counters>(COUNTERS_KEY)) ?? NO_COUNTERS
      return tallyOf(counters, laneOf(principal))
    },
    close() {
      channel.close()
      storage.close()
    },
  }
  const turn = (ended: { mutation: Mutation; ending: SendOutcome }[], limit: number) => {
    const claim = {
      holder: 'me',
      now: device.now,
      leaseMs: 1_000,
      limit,
      bytes: 1e6,
      isEmptyHanded: true,
      exclusive: true,
      slots: () => limit,
      turn: 0,
    }
    return takeTurn(storage, { ended, returned: [], keep: {}, claim }, { now, random: () => 0.5 })
  }
  channel.onMessage(message => device.heard.push(message.type))
  return device
}

function fail(id: string): never {
  throw new Error(`there is nothing with the id "${id}"`)
}
