/** What goes wrong only where several parts of a page meet: its triggers, its life, its leader, and what it knows of the network. */
import 'fake-indexeddb/auto'
import { afterEach, expect, it, vi } from 'vitest'
import type { Link } from '../protocol/link.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { createChannel } from '../tabs/channel.ts'
import { askWorker } from './ask-worker.ts'
import { type LivePorts, startLive } from './live.ts'
import { createStatusStore } from './status-store.ts'

const open: { lifetime: AbortController; storage: Storage }[] = []
let names = 0

afterEach(() => {
  for (const { lifetime, storage } of open.splice(0)) {
    lifetime.abort()
    storage.close()
  }
})

/** A page of an outbox without a worker, whose server is in reach or not. */
async function startPage(name: string, changes: Partial<LivePorts> = {}) {
  const lifetime = new AbortController()
  const storage = await openStorage({ name })
  open.push({ lifetime, storage })
  const store = createStatusStore(true)
  const channel = createChannel(name)
  const window = new EventTarget()
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' as const })
  const drained: boolean[] = []
  const world = { isReached: true }
  lifetime.signal.addEventListener('abort', channel.close)
  startLive({
    name,
    store,
    channel,
    window,
    document,
    open: async () => storage,
    isOnline: () => true,
    lane: () => '',
    limits: { mutations: 100, bytes: 100 },
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: Math.random,
    locks: undefined,
    sleep,
    signal: lifetime.signal,
    fetch: async () => {
      if (world.isReached) return new Response(null, { headers: { 'content-type': 'text/javascript' } })
      throw new TypeError('Failed to fetch')
    },
    connection: () => undefined,
    probe: { url: '/sw.js', timeoutMs: 100, accepts: () => true },
    wake: () => {},
    workerReady: Promise.resolve(undefined),
    attend: async () => {},
    drain: async eager => drained.push(eager),
    stopDraining: () => {},
    allowDraining: () => {},
    receipts: { refresh: async () => {} } as LivePorts['receipts'],
    user: { follow: async () => {} } as unknown as LivePorts['user'],
    ...changes,
  })
  return { world, store, channel, window, document, lifetime, drained }
}

function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const timer = setTimeout(resolve, delayMs)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

const named = () => {
  names += 1
  return `trigger-findings-${names}`
}

it('tells a tab that has just begun what the leader found out about the network', async () => {
  const name = named()
  const first = await startPage(name)
  first.world.isReached = false
  await expect.poll(() => first.store.get()).toMatchObject({ leader: true, online: false })
  const second = await startPage(name)
  await expect.poll(() => second.store.get()).toMatchObject({ leader: false, online: false })
})

it('tells a tab that was put away while it was offline that the server is in reach again', async () => {
  const name = named()
  const first = await startPage(name)
  first.world.isReached = false
  await expect.poll(() => first.store.get()).toMatchObject({ leader: true, online: false })
  first.window.dispatchEvent(new Event('pagehide'))
  const second = await startPage(name)
  await expect.poll(() => second.store.get()).toMatchObject({ leader: true, online: true })
  first.window.dispatchEvent(new Event('pageshow'))
  await expect.poll(() => first.store.get()).toMatchObject({ leader: false, online: true })
})

it('measures again when the leading page is shown, where what is known is old', async () => {
  let skewMs = 0
  let probes = 0
  const fetch = async () => {
    probes += 1
    return new Response()
  }
  const page = await startPage(named(), { fetch, monotonic: () => performance.now() + skewMs })
  await expect.poll(() => probes).toBe(1)
  skewMs = 31_000
  page.document.dispatchEvent(new Event('visibilitychange'))
  await expect.poll(() => probes).toBe(2)
})

it('leaves nothing at the signal of the client when the worker has answered', async () => {
  const { signal } = new AbortController()
  const added = vi.spyOn(signal, 'addEventListener')
  const removed: AbortSignal[] = []
  const worker = {
    postMessage: (_: unknown, [port]: MessagePort[]) =>
      port?.postMessage({ ok: true, result: { synced: 0, failed: 0, remaining: 0 } }),
  }
  await askWorker(worker as unknown as ServiceWorker, { name: 'a', eager: false, signal })
  for (const [, , options] of added.mock.calls) {
    const { signal: until } = options as AddEventListenerOptions
    if (until?.aborted) removed.push(until)
  }
  expect(removed).toHaveLength(added.mock.calls.length)
})

it('passes on a link only from a leader', async () => {
  const name = named()
  const page = await startPage(name)
  await expect.poll(() => page.store.get().leader).toBe(true)
  const stray: Link = { online: false, quality: 'none', saveData: false, measuredAt: Date.now() }
  const other = createChannel<{ link: { link: unknown }; asking: { id: string } }>(`${name}:leader`)
  const heard = new Promise(resolve => other.onMessage(({ type }) => type === 'link' && resolve(type)))
  other.post('link', { link: stray })
  other.post('asking', { id: 'another' })
  await heard
  expect(page.store.get().online).toBe(true)
  other.close()
})
