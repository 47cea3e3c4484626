import { v7 as uuidv7 } from 'uuid'
import { createAppend } from '../outbox/append.ts'
import { createCallOrder } from '../outbox/call-order.ts'
import { createDeadLetters, type DeadLetters } from '../outbox/dead-letters.ts'
import { drainFor } from '../outbox/drain-for.ts'
import { type MutationInput, type PreparedMutation, prepareMutation } from '../outbox/mutation-input.ts'
import { createOutbox, type Outbox } from '../outbox/outbox.ts'
import { setPaused } from '../outbox/pause.ts'
import { browserPlatform } from '../outbox/platform.ts'
import { HoldfastError } from '../protocol/errors.ts'
import { namesOf } from '../protocol/names.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { createChannel } from '../tabs/channel.ts'
import { type HoldfastOptions, resolveOptions } from './options.ts'
import { createReceipts, type Receipt } from './receipts.ts'
import { createStatus, type StatusStore } from './status.ts'
import { startTriggers } from './triggers.ts'
import { createWake } from './wake.ts'
import { createWorkerLink } from './worker-link.ts'

/** The page's side of an outbox. */
export interface Holdfast {
  /**
   * Records a write. When this resolves, the write is on the device and will not be lost: not with the tab, not with the
   * browser, not with the network.
   *
   * Rejects with a `HoldfastError`, and then nothing is stored: `invalid-mutation` for an input that cannot be recorded,
   * `quota-exceeded` when the device is full, `storage-unavailable` and `storage-failed` when the database cannot be
   * used, `closed` after `close()`.
   */
  mutate(input: MutationInput): Promise<Receipt>
  outbox: Outbox
  deadLetters: DeadLetters
  status: StatusStore
  /**
   * Sends what waits, now, and resolves when nothing more is due. Rejects with `worker-unavailable` when the worker does
   * not answer; the writes are safe then too.
   */
  sync(): Promise<{ synced: number; failed: number; remaining: number }>
  /** Stops the sending, in every tab and in the worker, until `resume()`, also after a restart. Writes are still recorded. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Ends this client; what is recorded stays, and the worker goes on with it. */
  close(): Promise<void>
}

/**
 * Opens the outbox of this page and registers the service worker. Two calls with one name share one outbox; two names
 * are apart.
 *
 * Throws a `HoldfastError` of code `invalid-options`.
 *
 * @example
 * const hf = createHoldfast()
 * const receipt = await hf.mutate({ url: '/api/notes', json: { text: 'Low tide at noon' } })
 * const settlement = await receipt.settled // { kind: 'confirmed', status: 201, … }, when the network is back
 */
export function createHoldfast(options: HoldfastOptions = {}): Holdfast {
  const { name, worker, retry } = resolveOptions(options)
  const names = namesOf(name)
  const platform = browserPlatform()
  const lifetime = new AbortController()
  const { signal } = lifetime
  const holder = `page:${uuidv7()}`

  const open = createOpen(names.database, signal)
  const channel = createChannel(names.channel)
  const status = createStatus({ open, online: platform.isOnline() })
  const receipts = createReceipts(open)
  const link = createWorkerLink({ name, worker, container: navigator.serviceWorker, onFailure: warn })

  let isBehind = false
  const drainHere = async (eager: boolean) => {
    const ports = { ...platform, storage: await open(), channel, holder, lockName: names.lock, signal }
    return drainFor(ports, { budgetMs: PAGE_BUDGET_MS, eager })
  }
  const wake = createWake({ link, syncTagPrefix: names.syncTagPrefix, drainHere, isBehind: () => isBehind })
  const triggers = startTriggers({
    wake,
    signal,
    now: platform.now,
    pendingCount: () => status.get().pending,
    onOnline: status.setOnline,
    onShown: () => void Promise.all([status.refresh(), receipts.refresh()]).catch(() => undefined),
  })
  channel.onMessage(message => {
    if (message.type === 'drained') isBehind = message.remaining > 0
    for (const listener of [status, receipts, triggers]) listener.hear(message)
  })
  void status.refresh()

  const subscribe = (fn: () => void) => channel.onMessage(message => message.type !== 'drained' && fn())
  const outbox = createOutbox({ open, channel, now: platform.now, subscribe })
  const appendInOrder = createAppendInOrder(open)

  return {
    outbox,
    deadLetters: createDeadLetters({ open, channel, now: platform.now, wake, subscribe }),
    status,

    async mutate(input) {
      if (signal.aborted) throw closed('record the mutation')
      const prepared = prepareMutation(input, { base: document.baseURI, now: platform.now, newId: uuidv7, retry })
      const id = await appendInOrder(input.entity, prepared)
      const settled = receipts.settledOf(id)
      wake()
      channel.post('appended', { ids: [id] })
      return { id, settled, cancel: () => outbox.cancel(id) }
    },

    async sync() {
      if (signal.aborted) throw closed('sync')
      const { synced, failed, remaining } = await ((await link.ready) ? link.drain(signal) : drainHere(true))
      return { synced, failed, remaining }
    },

    async pause() {
      await setPaused(await open(), true)
      channel.post('changed', { ids: [] })
    },

    async resume() {
      await setPaused(await open(), false)
      channel.post('changed', { ids: [] })
      wake({ eager: true })
    },

    async close() {
      lifetime.abort()
      channel.close()
      await open()
        .then(storage => storage.close())
        .catch(() => undefined)
    },
  }
}

/** A drain in a page is bound to no event; this long it goes on before it looks anew. */
const PAGE_BUDGET_MS = 20_000

/** Opens the storage once; a failure is not for ever, the next call tries again. */
function createOpen(name: string, signal: AbortSignal): () => Promise<Storage> {
  let opening: Promise<Storage> | undefined
  return () => {
    if (signal.aborted && !opening) return Promise.reject(closed('use the outbox'))
    opening ??= openStorage({ name }).catch(error => {
      opening = undefined
      throw error
    })
    return opening
  }
}

function createAppendInOrder(open: () => Promise<Storage>) {
  let append: ReturnType<typeof createAppend> | undefined
  return createCallOrder(async (prepared: PreparedMutation) => {
    const storage = await open()
    append ??= createAppend(storage)
    await append(prepared)
    return prepared.mutation.id
  })
}

function warn(error: HoldfastError): void {
  console.warn(error.message)
}

function closed(action: string): HoldfastError {
  return new HoldfastError({
    code: 'closed',
    action,
    reason: 'this Holdfast was closed',
    hint: 'Call createHoldfast() again.',
  })
}
