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

export interface ReplayOptions {
  scope: ServiceWorkerGlobalScope
  /** Default `holdfast`. */
  name?: string
  handlers?: Handlers
  platform?: Platform
}

/**
 * Makes this worker deliver the outbox of that name: on `sync`, when a page asks, when it is activated, and now. Any of
 * them may come twice or at once; the drain lock and the leases make that harmless.
 */
export function startReplay({ scope, name, handlers, platform = browserPlatform() }: ReplayOptions): void {
  const names = namesOf(name)
  const run = createRun(names, platform, handlers)

  scope.addEventListener('sync', event => {
    const sync = event as SyncEvent
    if (sync.tag.startsWith(names.syncTagPrefix)) sync.waitUntil(drainAll(run))
  })
  scope.addEventListener('message', event => {
    if (isDrainRequest(event.data, names.database)) event.waitUntil(answer(run, event.data.eager, event.ports[0]))
  })
  scope.addEventListener('activate', event => event.waitUntil(run({ budgetMs: MESSAGE_BUDGET_MS, eager: true })))
  // Whatever started the worker keeps it alive for a while; where that is too short, the next trigger goes on.
  run({ budgetMs: MESSAGE_BUDGET_MS, eager: true }).catch(() => undefined)
}

type Run = (options: DrainForOptions) => Promise<DrainResult & { stopped: boolean }>

function createRun(names: Names, platform: Platform, handlers: Handlers | undefined): Run {
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

  return async options => {
    const storage = await open()
    const result = await drainFor({ ...platform, storage, channel, holder, handlers, lockName: names.lock }, options)
    return { ...result, stopped: await isStopped(storage) }
  }
}

/** For a `sync` event: rejects where work remains, since only then does the browser come again (WICG §6.3). */
async function drainAll(run: Run): Promise<void> {
  const { remaining, stopped } = await run({ budgetMs: SYNC_BUDGET_MS, eager: true, graceMs: SYNC_GRACE_MS })
  if (remaining > 0 && !stopped) throw new Error(`${remaining} writes still wait for the server.`)
}

/** For a message: answers when nothing more is due, and goes on while the event lasts. */
async function answer(run: Run, eager: boolean, port: MessagePort | undefined): Promise<void> {
  const reply = (message: DrainReply) => port?.postMessage(message)
  try {
    const result = await run({ budgetMs: MESSAGE_BUDGET_MS, eager, onFirstPass: result => reply({ ok: true, result }) })
    // Where somebody else held the lock all the time there was no first pass. A second answer is heard by nobody.
    reply({ ok: true, result })
  } catch (error) {
    reply({ ok: false, message: error instanceof Error ? error.message : String(error) })
  }
}
