import { wrap } from 'idb'
import type { DrainResult } from '../../protocol/messages.ts'
import { openStorage, type Storage } from '../../storage/open-storage.ts'
import type { Channel } from '../../tabs/channel.ts'
import { createAppend } from '../append.ts'
import { writeCoalescing } from '../append-coalescing.ts'
import { createCallOrder } from '../call-order.ts'
import { createDeadLetters } from '../dead-letters.ts'
import { type DrainForOptions, drainFor } from '../drain-for.ts'
import { type PreparedMutation, prepareMutation } from '../mutation-input.ts'
import { createOutbox } from '../outbox.ts'
import { pause, resume } from '../pause.ts'
import type { Platform } from '../platform.ts'
import * as rare from '../rare-input.ts'
import { DEFAULT_RETRY } from '../retry-policy.ts'
import { idOf } from './ledger.ts'
import type { WriteSpec } from './plan.ts'

/**
 * The shipping code as one tab or worker runs it. This is the only place of the simulator that calls it: what
 * `page/client.ts` and `sw/replay.ts` do with their ports is done here with simulated ones.
 */
export interface Participant {
  append(write: number, spec: WriteSpec): Promise<void>
  drain(options: DrainForOptions): Promise<DrainResult>
  cancel(id: string): Promise<boolean>
  retry(id: string): Promise<void>
  discard(id: string): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
}

export interface ParticipantPorts {
  platform: Platform
  channel: Channel
  holder: string
  /** One that is used by nobody else in this run. */
  driverName: string
  factory: IDBFactory
  /** Tells whoever drains that there is something to do. */
  wake: () => void
}

export const NAMES = { database: 'simulated', lock: 'simulated:drain' }

export function createParticipant(ports: ParticipantPorts): Participant {
  const { platform, channel, holder, wake } = ports
  const open = createOpen(ports)
  let edits = 0
  const ofThread = {
    open,
    channel,
    now: platform.now,
    wake,
    subscribe: () => () => undefined,
    principal: () => undefined,
    newId: () => `edited-${++edits}`,
    settledOf: () => new Promise<never>(() => undefined),
  }
  const outbox = createOutbox(ofThread)
  const deadLetters = createDeadLetters(ofThread)
  let append: ReturnType<typeof createAppend> | undefined
  const appendInOrder = createCallOrder(async (prepared: PreparedMutation) => {
    const storage = await open()
    append ??= createAppend(storage, { now: platform.now, loadCoalescing: async () => writeCoalescing })
    await append(prepared)
  })

  return {
    async append(write, spec) {
      const prepared = prepareMutation(inputOf(write, spec), {
        base: 'https://app.example/',
        now: platform.now,
        newId: () => idOf(write),
        retry: DEFAULT_RETRY,
        loadRare: async () => rare,
      })
      await appendInOrder(spec.entity, prepared)
      wake()
      channel.post('appended', { ids: [idOf(write)] })
    },
    drain: async options =>
      drainFor({ ...platform, storage: await open(), channel, holder, lockName: NAMES.lock }, options),
    cancel: outbox.cancel,
    retry: deadLetters.retry,
    discard: deadLetters.discard,
    pause: async () => pause(await open()),
    resume: async () => resume(await open()),
  }
}

const LONG = 'x'.repeat(70 * 1024)

function inputOf(write: number, { entity, route, size, priority, after }: WriteSpec) {
  const json = { write, entity, ...(size === 'apart' && { filling: LONG }) }
  const dependsOn = after !== undefined && after < write ? [idOf(after)] : undefined
  return { url: `https://app.example/${route}`, json, entity, priority, dependsOn }
}

/** `loadWrap`: a module that is loaded when it is asked for would come in its own time. */
export function openDevice(driverName: string, factory: IDBFactory): Promise<Storage> {
  return openStorage({ name: NAMES.database, driverName, factory, loadWrap: async () => wrap })
}

/** A failure to open is not for ever: the next call tries again. */
function createOpen({ factory, driverName }: ParticipantPorts): () => Promise<Storage> {
  let opening: Promise<Storage> | undefined
  return () => {
    opening ??= openDevice(driverName, factory).catch(error => {
      opening = undefined
      throw error
    })
    return opening
  }
}
