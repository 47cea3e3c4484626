import { wrap } from 'idb'
import type { DrainResult } from '../../protocol/messages.ts'
import { openStorage, type Storage } from '../../storage/open-storage.ts'
import type { Channel } from '../../tabs/channel.ts'
import { createAppend } from '../append.ts'
import { writeCoalescing } from '../append-coalescing.ts'
import { owned, type QueueLimits } from '../append-context.ts'
import { createCallOrder } from '../call-order.ts'
import type { DeadLetterEdit } from '../dead-letter-edit.ts'
import { createDeadLetters } from '../dead-letters.ts'
import { type DrainForOptions, drainFor } from '../drain-for.ts'
import type { Handlers } from '../handlers.ts'
import { type PreparedMutation, prepareMutation } from '../mutation-input.ts'
import { createOutbox } from '../outbox.ts'
import { pause, resume } from '../pause.ts'
import type { Platform } from '../platform.ts'
import { identify, PRINCIPAL_KEY } from '../principal.ts'
import * as rare from '../rare-input.ts'
import { DEFAULT_RETRY } from '../retry-policy.ts'
import { SETTINGS_KEY, type Settings } from '../settings.ts'
import { idOf, type Write } from './ledger.ts'
import { inputOf } from './write-input.ts'

/**
 * The shipping code as one tab or worker runs it. This is the only place of the simulator that calls it: what
 * `page/client.ts` and `sw/replay.ts` do with their ports is done here with simulated ones.
 */
export interface Participant {
  /** Gives the id of the mutation that carries the write. */
  append(write: Write): Promise<string>
  drain(options: DrainForOptions): Promise<DrainResult>
  /** Who uses this tab, as far as it knows. */
  principal(): string | undefined
  cancel(id: string): Promise<boolean>
  release(id: string): Promise<void>
  retry(id: string, edit?: DeadLetterEdit): Promise<void>
  discard(id: string): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  identify(principal: string | undefined): Promise<void>
  configure(settings: Settings): Promise<void>
}

export interface ParticipantPorts {
  platform: Platform
  channel: Channel
  holder: string
  /** One that is used by nobody else in this run. */
  driverName: string
  factory: IDBFactory
  limits: QueueLimits
  handlers: Handlers
  /** Puts a planted bug between the engine and its storage. */
  plantIn: (storage: Storage) => Storage
  /** Tells whoever drains that there is something to do. */
  wake: (eager: boolean) => void
}

export const NAMES = { database: 'simulated', lock: 'simulated:drain' }

export function createParticipant(ports: ParticipantPorts): Participant {
  const { platform, channel, holder, handlers, plantIn } = ports
  const user = createUser()
  const open = createOpen(ports, user)
  const ofThread = createThread(ports, open, user)
  const outbox = createOutbox(ofThread)
  const deadLetters = createDeadLetters(ofThread)
  const tell = (wakes: boolean) => {
    channel.post('changed', { ids: [] })
    if (wakes) ports.wake(true)
  }
  channel.onMessage(({ type }) => {
    if (type === 'changed')
      open()
        .then(user.follow, () => undefined)
        .catch(() => undefined)
  })

  return {
    append: createAppending(ports, open, user),
    drain: async options =>
      drainFor(
        { ...platform, storage: plantIn(await open()), channel, holder, lockName: NAMES.lock, handlers },
        options,
      ),
    principal: user.principal,
    cancel: outbox.cancel,
    release: outbox.retry,
    retry: deadLetters.retry,
    discard: deadLetters.discard,
    async pause() {
      await pause(await open())
      tell(false)
    },
    async resume() {
      await resume(await open())
      tell(true)
    },
    async identify(principal) {
      await identify(await open(), principal)
      user.tell(principal)
      tell(true)
    },
    async configure(settings) {
      await (await open()).meta.setItem(SETTINGS_KEY, settings)
      tell(true)
    },
  }
}

type Open = () => Promise<Storage>
type User = ReturnType<typeof createUser>

/** As `page/user.ts` has it: who was named last in this tab; until one was, whoever was in any. */
function createUser() {
  let principal: string | undefined
  let first: string | undefined
  let isTold = false
  let isKnown = false
  return {
    principal: () => principal,
    /** Whose a write is that is made now, although it is stored later. */
    owner() {
      const now = principal
      return isKnown ? () => now : () => first
    },
    async introduce({ database }: Storage) {
      if (!isTold) principal = await database.get<string>('meta', PRINCIPAL_KEY)
      first = principal
      isKnown = true
    },
    async follow({ database }: Storage) {
      if (!isTold) principal = await database.get<string>('meta', PRINCIPAL_KEY)
    },
    tell(next: string | undefined) {
      principal = next
      isTold = true
    },
  }
}

function createThread({ channel, platform, holder, wake }: ParticipantPorts, open: Open, user: User) {
  let made = 0
  return {
    open,
    channel,
    now: platform.now,
    wake: () => wake(false),
    subscribe: () => () => undefined,
    principal: user.principal,
    newId: () => `edited-${holder}-${++made}`,
    settledOf: () => new Promise<never>(() => undefined),
  }
}

interface Given {
  prepared: PreparedMutation
  write: Write
  owner: () => string | undefined
}

function createAppending({ channel, platform, limits, plantIn, wake }: ParticipantPorts, open: Open, user: User) {
  let append: ReturnType<typeof createAppend> | undefined
  const inOrder = createCallOrder(async ({ prepared, write, owner }: Given) => {
    const storage = await open()
    const context = () => ({ principal: undefined, limits })
    const { now } = platform
    append ??= createAppend(plantIn(storage), { now, context, loadCoalescing: async () => writeCoalescing })
    write.principal = owner()
    return append(owned(prepared, { principal: write.principal }))
  })
  return async (write: Write): Promise<string> => {
    const owner = user.owner()
    const prepared = prepareMutation(inputOf(write, platform.now()), {
      base: 'https://app.example/',
      now: platform.now,
      newId: () => idOf(write.number),
      retry: DEFAULT_RETRY,
      loadRare: async () => rare,
    })
    const given =
      prepared instanceof Promise ? prepared.then(one => ({ prepared: one, write, owner })) : { prepared, write, owner }
    const { id } = await inOrder(write.spec.entity, given)
    wake(false)
    channel.post('appended', { ids: [id] })
    return id
  }
}

/** `loadWrap`: a module that is loaded when it is asked for would come in its own time. */
export function openDevice(driverName: string, factory: IDBFactory): Promise<Storage> {
  return openStorage({ name: NAMES.database, driverName, factory, loadWrap: async () => wrap })
}

/** A failure to open is not for ever: the next call tries again. */
function createOpen({ factory, driverName }: ParticipantPorts, user: User): Open {
  let opening: Promise<Storage> | undefined
  const openFor = async () => {
    const storage = await openDevice(driverName, factory)
    await user.introduce(storage)
    return storage
  }
  return () => {
    opening ??= openFor().catch(error => {
      opening = undefined
      throw error
    })
    return opening
  }
}
