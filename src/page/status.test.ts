import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { COUNTERS_KEY, counted, NO_COUNTERS, type Tally } from '../outbox/counters.ts'
import { HELD_KEY, pause, resume } from '../outbox/pause.ts'
import { LAST_SYNC_KEY } from '../outbox/settled.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { createStatus, type StatusPorts } from './status.ts'
import { createStatusStore, type SyncStatus } from './status-store.ts'

let storage: Storage
let databases = 0

beforeEach(async () => {
  databases += 1
  storage = await openStorage({ name: `status-${databases}` })
})
afterEach(() => storage.close())

const create = (ports: Partial<StatusPorts> = {}) => {
  const store = createStatusStore(ports.isOnline?.() ?? true)
  const live = createStatus({
    store,
    open: async () => storage,
    isOnline: () => true,
    lane: () => '',
    limits: { mutations: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
    now: () => 1_000,
    usedShare: async () => 0,
    signal: new AbortController().signal,
    ...ports,
  })
  return { ...live, get: store.get, subscribe: store.subscribe }
}
/** What the outbox counts, see `change-queue`. */
const count = (tally: Partial<Tally>, lane = '') =>
  storage.meta.setItem(COUNTERS_KEY, counted(NO_COUNTERS, lane, tally))
const message = <T extends object>(type: string, rest: T) => ({ holdfast: 1, type, ...rest }) as never

it('says how many wait, how many are dead, and when the last sync was', async () => {
  await count({ pending: 2, held: 1, dead: 1 })
  await storage.meta.setItem(LAST_SYNC_KEY, 1_700_000_000_000)
  const status = create()
  await status.refresh()
  expect(status.get()).toEqual({
    state: 'waiting',
    online: true,
    quality: 'fast',
    leader: false,
    pending: 2,
    sending: 0,
    held: 1,
    dead: 1,
    pressure: 0,
    lastSyncAt: new Date(1_700_000_000_000),
    storage: 'durable',
  })
})

describe('the state', () => {
  it('goes from idle to waiting to syncing and back', async () => {
    const status = create()
    const seen: SyncStatus['state'][] = []
    status.subscribe(({ state }) => seen.push(state))
    await status.refresh()
    await count({ pending: 1 })
    status.hear(message('appended', { ids: ['a'] }))
    await status.refresh()
    status.hear(message('sending', { ids: ['a'] }))
    await count({})
    status.hear(message('settled', { ids: ['a'] }))
    await status.refresh()
    expect(seen).toEqual(['waiting', 'syncing', 'waiting', 'idle'])
  })

  it('is offline, or paused, before anything else', async () => {
    await count({ pending: 1 })
    const status = create({ isOnline: () => false })
    await status.refresh()
    expect(status.get()).toMatchObject({ state: 'offline', online: false, pending: 1 })
    status.setLink({ online: true, quality: 'fast' })
    expect(status.get().state).toBe('waiting')
    await pause(storage)
    await status.refresh()
    expect(status.get().state).toBe('paused')
    await resume(storage)
    await storage.meta.setItem(HELD_KEY, { at: 1, status: 401 })
    await status.refresh()
    expect(status.get().state).toBe('held')
  })

  it('forgets what was on its way when a drain ended, also where a message was missed', () => {
    const status = create()
    status.hear(message('sending', { ids: ['a', 'b'] }))
    expect(status.get().sending).toBe(2)
    status.hear(message('drained', { synced: 1, failed: 0, remaining: 1 }))
    expect(status.get().sending).toBe(0)
  })
})

it('gives the same object until something changes, and tells nobody without a change', async () => {
  const status = create()
  await status.refresh()
  const first = status.get()
  let calls = 0
  const end = status.subscribe(() => {
    calls += 1
  })
  await status.refresh()
  expect(status.get()).toBe(first)
  expect(calls).toBe(0)
  status.setLink({ online: false, quality: 'none' })
  expect(calls).toBe(1)
  end()
  status.setLink({ online: true, quality: 'fast' })
  expect(calls).toBe(1)
})

it('says that the storage is unavailable instead of "nothing waits"', async () => {
  const status = create({ open: () => Promise.reject(new Error('refused')) })
  await status.refresh()
  expect(status.get().storage).toBe('unavailable')
  expect(status.mayHavePending()).toBe(true)
})

it('keeps what it knew when a read fails', async () => {
  await count({ pending: 1 })
  let isBroken = false
  const open = () => (isBroken ? Promise.reject(new Error('gone')) : Promise.resolve(storage))
  const status = create({ open })
  expect(status.mayHavePending()).toBe(true)
  await status.refresh()
  isBroken = true
  await status.refresh()
  expect(status.get()).toMatchObject({ pending: 1, storage: 'unavailable' })
  isBroken = false
  await count({})
  await status.refresh()
  expect(status.get()).toMatchObject({ pending: 0, storage: 'durable' })
  expect(status.mayHavePending()).toBe(false)
})

it('counts what is this person’s, and not what somebody else has', async () => {
  await count({ pending: 3 }, '@ada|')
  const mine = create()
  const adas = create({ lane: () => '@ada|' })
  await Promise.all([mine.refresh(), adas.refresh()])
  expect([mine.get().pending, adas.get().pending]).toEqual([0, 3])
})

describe('pressure', () => {
  it('is the greatest share of a limit, and of what the browser has room for', async () => {
    await count({ pending: 30, bytes: 900 })
    const limits = { mutations: 100, bytes: 1_000 }
    const status = create({ limits })
    const full = create({ limits, usedShare: async () => 0.95 })
    await Promise.all([status.refresh(), full.refresh()])
    expect([status.get().pressure, full.get().pressure]).toEqual([0.9, 0.95])
  })

  it('counts everybody on the device, and is never above 1', async () => {
    await count({ pending: 30 }, '@ada|')
    const status = create({ limits: { mutations: 10, bytes: 1 } })
    await status.refresh()
    expect(status.get().pressure).toBe(1)
  })
})

it('tells how far a drain is, at what rate, and how long it will take, until it ends', async () => {
  const status = create({ now: () => 5_000 })
  status.hear(message('settled', { ids: ['a'], progress: { done: 50, total: 200, startedAt: 0 } }))
  expect(status.get().progress).toEqual({ done: 50, total: 200, perSecond: 10, remainingMs: 15_000 })
  status.hear(message('drained', { synced: 200, failed: 0, remaining: 0 }))
  expect(status.get().progress).toBeUndefined()
})

it('reads at most ten times a second what a drain has done, and the last of it all the same', async () => {
  let reads = 0
  let clock = 1_000
  const status = create({
    now: () => clock,
    open: async () => {
      reads += 1
      return storage
    },
  })
  for (let ended = 0; ended < 50; ended += 1) {
    clock += 1
    status.hear(message('settled', { ids: [`${ended}`] }))
  }
  await count({ pending: 7 })
  await expect.poll(() => status.get().pending).toBe(7)
  expect(reads).toBeLessThanOrEqual(2)
})

it('says nothing of a database that was closed with the client', async () => {
  const lifetime = new AbortController()
  const open = () => (lifetime.signal.aborted ? Promise.reject(new Error('closed')) : Promise.resolve(storage))
  const status = create({ open, signal: lifetime.signal })
  await status.refresh()
  const late = status.refresh()
  lifetime.abort()
  await Promise.all([late, status.refresh()])
  expect(status.get().storage).toBe('durable')
})
