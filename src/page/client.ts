import { v7 as uuidv7 } from 'uuid'
import type { DeadLetters } from '../outbox/dead-letters.ts'
import { type MutationInput, prepareMutation } from '../outbox/mutation-input.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { pause, resume } from '../outbox/pause.ts'
import type { SyncMetrics } from '../outbox/sync-metrics.ts'
import { HoldfastError } from '../protocol/errors.ts'
import { namesOf } from '../protocol/names.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { type Channel, createChannel } from '../tabs/channel.ts'
import { createAnnounce } from './announce.ts'
import { createAppendInOrder } from './append-in-order.ts'
import { createLater } from './later.ts'
import { type HoldfastOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { createReceipts, type Receipt, type Receipts } from './receipts.ts'
import type { WantedWorker } from './register-worker.ts'
import { createStatusStore, type StatusStore, type WritableStatus } from './status-store.ts'
import { createUser, type User } from './user.ts'
import { createWake, type Wake } from './wake.ts'
import { createWorkerLink, type WorkerLink } from './worker-link.ts'

/** The page's side of an outbox. */
export interface Holdfast {
  /**
   * Records a write. When this resolves, the write is on the device and will not be lost: not with the tab, not with the
   * browser, not with the network.
   *
   * Rejects with a `HoldfastError`, and then nothing is stored: `invalid-mutation` for an input that cannot be recorded,
   * `offline` for one that requires the network when there is none, `outbox-full` beyond the `limits`, `quota-exceeded`
   * when the device is full, `not-loaded` when it needs code that could not be fetched yet
   * (for files, dependencies and rare members), `storage-unavailable` and `storage-failed` when the database cannot be
   * used, `closed` after `close()`.
   */
  mutate(input: MutationInput): Promise<Receipt>
  outbox: Outbox
  deadLetters: DeadLetters
  status: StatusStore
  /**
   * Sends what waits, now, and resolves when nothing more is due: with how many were confirmed, how many became dead
   * letters, and how many still wait. Rejects with `worker-unavailable` when the worker does not answer within 30 s, with
   * `not-loaded` when the code for it cannot be fetched, and with `closed`; the writes are safe then too.
   */
  sync(): Promise<{ synced: number; failed: number; remaining: number }>
  /**
   * Stops the sending, in every tab and in the worker, until `resume()`, also after a restart. Writes are still recorded;
   * what is on its way already goes on. Rejects as `mutate()` does where the database cannot be used.
   */
  pause(): Promise<void>
  /** Goes on after `pause()`, and after the server asked who this is (401), which holds the queue: sign in first. */
  resume(): Promise<void>
  /**
   * Says who uses the app from now on: call it after a sign-in, and with `null` after a sign-out. Each one has a queue of
   * their own. Only the queue of whoever was named last is sent, by every tab and the worker; what others have written is
   * kept until they are named again. This tab records, lists and counts what is this one's. A hold after a 401 ends.
   */
  identify(principal: string | null): Promise<void>
  /** What was counted and measured on this device; see `SyncMetrics`. */
  metrics(): Promise<SyncMetrics>
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
  assertPage()
  const resolved = resolveOptions(options, document.baseURI)
  const { name, worker, retry, limits } = resolved
  const clock = () => Date.now()
  const lifetime = new AbortController()
  const { signal } = lifetime
  const user = createUser(resolved)
  const open = createOpen(name, signal, user)
  const channel = createChannel(namesOf(name).channel)
  const status = createStatusStore(isOnline())
  const receipts = createReceipts(open)
  const link = createWorkerLink({ name, register: () => registerWorker(worker), sleep, onFailure: warn })
  const { later, wake } = connect({ resolved, clock, signal, open, channel, status, receipts, link, user })
  const appendInOrder = createAppendInOrder({ open, receipts, channel, limits, later })
  const announce = createAnnounce({
    tell: ids => {
      wake()
      channel.post('appended', { ids })
    },
    window: globalThis,
    now: () => performance.now(),
    signal,
  })

  const { outbox, deadLetters } = later
  return {
    outbox,
    deadLetters,
    status,
    metrics: later.metrics,

    async mutate(input) {
      if (signal.aborted) throw closed('record the mutation')
      const { baseURI: base } = document
      const { loadRare } = later
      const owner = user.owner()
      const prepared = prepareMutation(input, { base, now: clock, newId: uuidv7, retry, loadRare, isOnline })
      const { id, settled } = await appendInOrder(input?.entity, prepared, owner)
      announce(id)
      return { id, settled, cancel: () => outbox.cancel(id) }
    },

    async sync() {
      if (signal.aborted) throw closed('sync')
      const { synced, failed, remaining } = await later.sync()
      return { synced, failed, remaining }
    },

    async pause() {
      await pause(await open())
      channel.post('changed', { ids: [] })
    },

    async resume() {
      await resume(await open())
      channel.post('changed', { ids: [] })
      wake({ eager: true })
    },

    async identify(principal) {
      await user.identify(await open(), principal ?? undefined)
      channel.post('changed', { ids: [] })
      wake({ eager: true })
    },

    async close() {
      lifetime.abort()
      channel.close()
      const storage = await open().catch(() => undefined)
      storage?.close()
    },
  }
}

interface Parts {
  resolved: ResolvedOptions
  clock: () => number
  signal: AbortSignal
  open: () => Promise<Storage>
  channel: Channel
  status: WritableStatus
  receipts: Receipts
  link: WorkerLink
  user: User
}

/** Joins the parts: what wakes whom, and who hears what. */
function connect({ resolved, clock, signal, open, channel, status, receipts, link, user }: Parts) {
  const { name, handlers } = resolved
  const { lock: lockName, syncTagPrefix } = namesOf(name)
  const holder = `page:${uuidv7()}`
  let isBehind = false
  const wake: Wake = createWake({
    link,
    syncTagPrefix,
    drainHere: eager => later.drainHere(eager),
    isBehind: () => isBehind,
  })
  const later = createLater({
    name,
    signal,
    link,
    open,
    channel,
    wake,
    now: clock,
    newId: uuidv7,
    principal: user.principal,
    settledOf: receipts.settledOf,
    store: status,
    isOnline,
    lane: user.lane,
    limits: resolved.limits,
    receipts,
    user,
    connectivity: resolved.connectivity,
    workerUrl: resolved.worker?.url,
    subscribe: fn => channel.onMessage(message => message.type !== 'drained' && fn()),
    drainPorts: async () => ({ storage: await open(), channel, holder, lockName, signal, handlers }),
  })
  channel.onMessage(message => {
    if (message.type === 'drained') isBehind = message.remaining > 0
    receipts.hear(message)
  })
  return { later, wake }
}

/** Opens the storage once; a failure is not for ever: the next call tries again. */
function createOpen(name: string, signal: AbortSignal, user: User): () => Promise<Storage> {
  let opening: Promise<Storage> | undefined
  return () => {
    if (signal.aborted && !opening) return Promise.reject(closed('use the outbox'))
    opening ??= openFor(name, user).catch(error => {
      opening = undefined
      throw error
    })
    return opening
  }
}

async function openFor(name: string, user: User): Promise<Storage> {
  const storage = await openStorage({ name })
  await user.introduce(storage)
  return storage
}

function isOnline(): boolean {
  return navigator.onLine !== false
}

function sleep(delayMs: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, delayMs))
}

function assertPage(): void {
  if (typeof document !== 'undefined' && typeof navigator !== 'undefined') return
  throw new HoldfastError({
    code: 'invalid-options',
    action: 'set up Holdfast',
    reason: 'there is no page here',
    hint: 'Call createHoldfast() in the browser only.',
  })
}

/** The engine may have no service workers, and an insecure context has none. */
async function registerWorker(worker: WantedWorker | undefined): Promise<ServiceWorkerRegistration | undefined> {
  if (!worker || !navigator.serviceWorker) return undefined
  return (await import('./on-demand.ts')).registerWorker(navigator.serviceWorker, worker)
}

function warn(error: Error): void {
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
