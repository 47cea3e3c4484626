import { v7 as uuidv7 } from 'uuid'
import type { Handlers } from '../outbox/handlers.ts'
import { browserPlatform } from '../outbox/platform.ts'
import { createHand, type Hand } from './hand.ts'
import { createOutboxLink, type OutboxLink } from './outbox-link.ts'
import {
  prepareEntry,
  type QueueEntry,
  type RequestData,
  readRequestData,
  toQueueEntry,
  withTerms,
} from './queue-entry.ts'
import { queueError } from './queue-error.ts'
import { takeQueueName } from './queue-names.ts'
import { HAND_PREFIX, queueEntity } from './queue-place.ts'
import { createQueueStore, type QueueStore } from './queue-store.ts'
import type { End, Taken } from './queue-take.ts'
import { hearsSync, onSyncEvent, registerSyncTag, type SyncEvent, syncTagOf } from './sync-registration.ts'

/** What `Queue` and `BackgroundSyncPlugin` take. The first three are those of workbox-background-sync. */
export interface QueueOptions {
  /**
   * Called at each `sync` event, in place of `replayRequests()`. Throw where something remains, so that the browser comes
   * again. While a queue has it, nothing else sends what is in the queue.
   */
  onSync?: (options: { queue: Queue }) => void | Promise<void>
  /** How long a request may wait, in minutes; default 7 days. After that it is a dead letter. */
  maxRetentionTime?: number
  /** Replay when the worker starts, and not at `sync` events, as where the browser has none. Default false. */
  forceSyncFallback?: boolean
  /** The outbox that keeps the requests, as given to `createHoldfast`. Default `holdfast`. */
  outbox?: string
  /** The app's own functions, by name, as given to `createHoldfast`. Default: none. */
  handlers?: Handlers
}

/**
 * A queue of requests with the methods of `Queue` of workbox-background-sync, kept in the outbox: a request leaves it only
 * when its outcome is on record, answers are judged by their status, and what cannot be delivered becomes a dead letter.
 * docs/from-workbox.md lists where it differs.
 *
 * Throws an error named `duplicate-queue-name` where this context has one of that name.
 *
 * @example
 * const queue = new Queue('notes')
 * self.addEventListener('fetch', event => {
 *   if (event.request.method !== 'POST') return
 *   const answer = fetch(event.request.clone()).catch(async error => {
 *     await queue.pushRequest({ request: event.request })
 *     throw error
 *   })
 *   event.respondWith(answer)
 * })
 */
export class Queue {
  readonly #name: string
  readonly #onSync: () => void | Promise<void>
  readonly #retentionMs: number
  readonly #isForced: boolean
  readonly #link: OutboxLink
  readonly #store: QueueStore
  readonly #hand: Hand
  #adding: Promise<unknown> = Promise.resolve()
  #isSyncing = false
  #hasNews = false

  constructor(name: string, options: QueueOptions = {}) {
    const { onSync, maxRetentionTime, forceSyncFallback = false, outbox, handlers } = options
    takeQueueName(name)
    const holder = `${HAND_PREFIX}${uuidv7()}`
    const isParked = onSync !== undefined
    this.#name = name
    this.#retentionMs = retentionMs(maxRetentionTime)
    this.#isForced = forceSyncFallback
    this.#link = createOutboxLink({ outbox, handlers, holder, platform: browserPlatform })
    this.#store = createQueueStore({ open: this.#link.open, queueName: name, now, holder, isParked })
    this.#hand = createHand(this.#store)
    this.#onSync = onSync ? () => onSync({ queue: this }) : () => this.#replay({ once: false })
    if (!forceSyncFallback && hearsSync()) onSyncEvent(syncTagOf(name), event => this.#sync(event))
    // As Workbox: without `sync` events each start is a chance. What fails waits for the next.
    else void this.#run().catch(() => undefined)
  }

  get name(): string {
    return this.#name
  }

  /** Stores a request at the end of the queue. When this resolves it is on the device. */
  async pushRequest(entry: QueueEntry): Promise<void> {
    await this.#add(entry, 'last')
  }

  /** Stores a request at the beginning of the queue. One that was taken out keeps its id, and its idempotency key. */
  async unshiftRequest(entry: QueueEntry): Promise<void> {
    await this.#add(entry, 'first')
  }

  /** Takes out the last request; undefined where there is none. See `shiftRequest`. */
  async popRequest(): Promise<QueueEntry | undefined> {
    return this.#remove('last')
  }

  /**
   * Takes out the first request, for the app to send; undefined where there is none. Within `onSync` it stays on record
   * until `onSync` has ended, and comes back should the worker be killed before. Elsewhere it is the app's from here on.
   */
  async shiftRequest(): Promise<QueueEntry | undefined> {
    return this.#remove('first')
  }

  /** All entries, the first one first. */
  async getAll(): Promise<QueueEntry[]> {
    return (await this.#store.list()).map(({ mutation, apart }) => toQueueEntry(mutation, { apart }))
  }

  /** How many entries there are. */
  async size(): Promise<number> {
    return this.#store.size()
  }

  /**
   * Sends what is in the queue, in order, and stops at the first that cannot be sent now; whatever else waits in the outbox
   * is sent too. Rejects with an error named `queue-replay-failed` where something remains.
   */
  async replayRequests(): Promise<void> {
    await this.#replay({ once: true })
  }

  /** Asks the browser for a `sync` event for this queue. */
  async registerSync(): Promise<void> {
    if (!this.#isForced) await registerSyncTag(syncTagOf(this.#name))
  }

  async #add(entry: QueueEntry, end: End): Promise<void> {
    const { request } = entry
    const taken = this.#hand.find(request)
    // At once: the caller may use the request when this call is under way.
    const reading = taken ? undefined : readRequestData(request)
    // One after the other, so that the order of the calls is that of the queue.
    const added = this.#adding.then(async () =>
      taken ? this.#putBack(taken, entry, end) : this.#prepareAndAdd(entry, await reading, end),
    )
    this.#adding = Promise.allSettled([added, reading])
    this.#link.tell('appended', [await added])
    if (this.#isSyncing) this.#hasNews = true
    else await this.registerSync()
  }

  async #prepareAndAdd({ timestamp, metadata }: QueueEntry, read: RequestData | undefined, end: End): Promise<string> {
    if (!read) throw new Error('A request that was not taken out is read first.')
    const { replaces, requestData } = this.#hand.findCopy(read)
    const stored = { requestData, timestamp: timestamp ?? now(), metadata }
    const terms = { entity: queueEntity(this.#name), maxRetentionMs: this.#retentionMs, now: now(), newId: uuidv7 }
    const prepared = await prepareEntry(stored, terms)
    await this.#store.add(prepared, end, replaces)
    if (replaces) this.#hand.letGo(replaces)
    return prepared.mutation.id
  }

  async #putBack(taken: Taken, entry: QueueEntry, end: End): Promise<string> {
    const mutation = withTerms(taken.mutation, entry, this.#retentionMs)
    await this.#store.putBack({ ...taken, mutation }, end)
    this.#hand.letGo(taken)
    return mutation.id
  }

  async #remove(end: End): Promise<QueueEntry | undefined> {
    const taken = await this.#store.take(end, { keep: this.#hand.isOpen() })
    if (!taken) return undefined
    const entry = toQueueEntry(taken.mutation, taken)
    this.#hand.take(entry.request, taken, end)
    this.#link.tell('changed', [taken.mutation.id])
    return entry
  }

  async #replay({ once }: { once: boolean }): Promise<void> {
    // Nothing goes past what is in hand, and the app has gone on.
    await this.#hand.settle()
    await this.#store.release()
    await this.#link.drain({ once })
    if ((await this.#store.size()) > 0) throw queueError('queue-replay-failed', this.#name)
  }

  #sync({ lastChance }: SyncEvent): Promise<void> {
    return this.#run(async () => {
      let hasFailed = false
      this.#isSyncing = true
      try {
        await this.#onSync()
      } catch (error) {
        hasFailed = true
        throw error
      } finally {
        // What came meanwhile has no event yet. After a failure the browser comes again by itself.
        if (this.#hasNews && (!hasFailed || lastChance)) await this.registerSync()
        this.#isSyncing = false
        this.#hasNews = false
      }
    })
  }

  /** One at a time: what another run of this queue has in hand is its own, unless it is no more. */
  #run(work: () => void | Promise<void> = this.#onSync): Promise<void> {
    return this.#link.exclusively(this.#name, async ({ exclusive }) => {
      if (exclusive) await this.#store.recoverHands()
      await this.#hand.during(work)
    })
  }
}

/** In minutes, as Workbox has it; 0 is its default too. */
export function retentionMs(minutes: number | undefined): number {
  return (minutes || 7 * 24 * 60) * 60_000
}

function now(): number {
  return Date.now()
}
