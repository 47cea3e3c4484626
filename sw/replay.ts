import { wrap } from 'idb'
import { type DrainForOptions, drainFor } from '../src/outbox/drain-for.ts'
import type { Handlers } from '../src/outbox/handlers.ts'
import { isStopped } from '../src/outbox/pause.ts'
import { browserPlatform, type Platform } from '../src/outbox/platform.ts'
import { type DrainReply, type DrainResult, isDrainRequest } from '../src/protocol/messages.ts'
import { type Names, namesOf } from '../src/protocol/names.ts'
import { openStorage, type Storage } from '../src/storage/open-storage.ts'
import { createChannel } from '../src/tabs/channel.ts'
import type { SyncEvent } from './sync-event.ts'

/**
 * What one event may take. Chromium gives a `sync` event 180 s, and with no tab open nothing can be registered anew and
 * only three attempts come, so the most is made of it; other engines cut a message event after 30 s.
 */
const SYNC_BUDGET_MS = 150_000
const MESSAGE_BUDGET_MS = 20_000

/**
 * A `sync` event says that there is a network, but comes as well when a tag is registered while there is one. What failed
 * this shortly before is left to its own delay, or a server that is down would be asked at each write.
 */
const SYNC_GRACE_MS = 10_000

/** So often a `sync` event that came while offline looks whether the network is back. */
const OFFLINE_CHECK_MS = 500

/** Where a run cannot say when something will be due, the next request of a page asks again after this. */
const UNKNOWN_DUE_MS = 10_000

export interface ReplayOptions {
  scope: ServiceWorkerGlobalScope
  /** Default `holdfast`. */
  name?: string
  handlers?: Handlers
  platform?: Platform
  /** What drains, where there is one already. */
  runner?: Runner
}

/**
 * Makes this worker deliver the outbox of that name: on `sync` and `periodicsync`, when a page asks, when it is activated,
 * when a request of a page passes through and something is due, and now. Any of them may come twice or at once; the drain
 * lock and the leases make that harmless.
 */
export function startReplay({
  scope,
  name,
  handlers,
  platform = browserPlatform(),
  runner = createRun(namesOf(name), platform, handlers),
}: ReplayOptions): void {
  const names = namesOf(name)
  const { run, isDue } = runner

  for (const type of ['sync', 'periodicsync']) {
    scope.addEventListener(type, event => {
      const sync = event as SyncEvent
      if (sync.tag.startsWith(names.syncTagPrefix)) sync.waitUntil(drainAll(run, platform))
    })
  }
  scope.addEventListener('message', event => {
    if (isDrainRequest(event.data, names.database)) event.waitUntil(answer(run, event.data.eager, event.ports[0]))
  })
  const look = () => void run({ budgetMs: MESSAGE_BUDGET_MS, eager: true }).catch(() => undefined)
  // Not as a part of the event: the requests of every page wait until a worker is activated, those of a page that drains
  // among them, for which this one would wait in its turn.
  scope.addEventListener('activate', look)
  scope.addEventListener('fetch', event => {
    if (isDue()) event.waitUntil(run({ budgetMs: MESSAGE_BUDGET_MS, eager: false }))
  })
  // Whatever started the worker keeps it alive for a while; where that is too short, the next trigger goes on.
  look()
}

type Run = (options: DrainForOptions) => Promise<DrainResult & { stopped: boolean }>

/** What drains, for whatever event asks. */
export interface Runner {
  run: Run
  /** Whether something is due, as far as the last run knows. */
  isDue(): boolean
  /** Opens the database, once for all that the worker does. */
  open(): Promise<Storage>
}

export function createRun(names: Names, platform: Platform, handlers: Handlers | undefined): Runner {
  const channel = createChannel(names.channel)
  const holder = `worker:${crypto.randomUUID()}`
  let opening: Promise<Storage> | undefined
  const open = () => {
    opening ??= openStorage({ name: names.database, loadWrap: () => wrap })
    // A failure to open is not for ever: the next event tries again.
    opening.catch(() => {
      opening = undefined
    })
    return opening
  }

  // A loop comes back by itself for what will be due: whoever asks meanwhile has one pass, and not a loop beside it.
  let loops = 0
  let dueAt = Number.POSITIVE_INFINITY
  const run: Run = async options => {
    loops += 1
    try {
      const storage = await open()
      const ports = { ...platform, storage, channel, holder, handlers, lockName: names.lock }
      const result = await drainFor(ports, { once: loops > 1, ...options })
      const stopped = await isStopped(storage)
      const next = result.nextAttemptAt ?? platform.now() + UNKNOWN_DUE_MS
      dueAt = result.remaining > 0 && !stopped ? next : Number.POSITIVE_INFINITY
      return { ...result, stopped }
    } catch (error) {
      // A device that is full may have room later, and nothing would say so.
      dueAt = platform.now() + UNKNOWN_DUE_MS
      throw error
    } finally {
      loops -= 1
    }
  }
  return { run, open, isDue: () => loops === 0 && platform.now() >= dueAt }
}

/**
 * For a `sync` event: rejects where work remains, since only then does the browser come again (WICG §6.3): after five
 * minutes, and three times at most. Chromium also dispatches it in the first second or two after the network is lost;
 * then the event waits for the network, as long as it may last.
 */
async function drainAll(run: Run, { now, sleep, isOnline }: Platform): Promise<void> {
  const deadline = now() + SYNC_BUDGET_MS
  for (let graceMs = SYNC_GRACE_MS; ; graceMs = 0) {
    const budgetMs = deadline - now()
    const { remaining, stopped } = await run({ budgetMs, eager: true, graceMs, once: false })
    if (remaining === 0 || stopped) return
    if (isOnline() || now() > deadline) throw new Error(`${remaining} writes still wait for the server.`)
    while (!isOnline() && now() <= deadline) await sleep(OFFLINE_CHECK_MS)
  }
}

/** For a message: says that it has begun, answers when nothing more is due, and goes on while the event lasts. */
async function answer(run: Run, eager: boolean, port: MessagePort | undefined): Promise<void> {
  const reply = (message: DrainReply) => port?.postMessage(message)
  reply({ ok: true })
  try {
    const result = await run({ budgetMs: MESSAGE_BUDGET_MS, eager, onFirstPass: result => reply({ ok: true, result }) })
    // Where somebody else held the lock all the time there was no first pass. A second answer is heard by nobody.
    reply({ ok: true, result })
  } catch (error) {
    reply({ ok: false, message: error instanceof Error ? error.message : String(error) })
  }
}
