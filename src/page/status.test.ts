import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HELD_KEY, pause, resume } from '../outbox/pause.ts'
import { LAST_SYNC_KEY } from '../outbox/settled.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { createStatus, type SyncStatus } from './status.ts'

let storage: Storage
let count = 0

beforeEach(async () => {
  count += 1
  storage = await openStorage({ name: `status-${count}` })
})
afterEach(() => storage.close())

const create = (online = true) => createStatus({ open: async () => storage, online })
const message = <T extends object>(type: string, rest: T) => ({ holdfast: 1, type, ...rest }) as never

it('says how many wait, how many are dead, and when the last sync was', async () => {
  await storage.mutations.setItems([
    ['1', {}],
    ['2', {}],
  ])
  await storage.dead.setItem('3', {})
  await storage.meta.setItem(LAST_SYNC_KEY, 1_700_000_000_000)
  const status = create()
  await status.refresh()
  expect(status.get()).toEqual({
    state: 'waiting',
    online: true,
    pending: 2,
    sending: 0,
    dead: 1,
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
    await storage.mutations.setItem('1', {})
    status.hear(message('appended', { ids: ['a'] }))
    await status.refresh()
    status.hear(message('sending', { ids: ['a'] }))
    await storage.mutations.removeItem('1')
    status.hear(message('settled', { ids: ['a'] }))
    await status.refresh()
    expect(seen).toEqual(['waiting', 'syncing', 'waiting', 'idle'])
  })

  it('is offline, or paused, before anything else', async () => {
    await storage.mutations.setItem('1', {})
    const status = create(false)
    await status.refresh()
    expect(status.get()).toMatchObject({ state: 'offline', online: false, pending: 1 })
    status.setOnline(true)
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
  status.setOnline(false)
  expect(calls).toBe(1)
  end()
  status.setOnline(true)
  expect(calls).toBe(1)
})

it('says that the storage is unavailable instead of "nothing waits"', async () => {
  const status = createStatus({ open: () => Promise.reject(new Error('refused')), online: true })
  await status.refresh()
  expect(status.get().storage).toBe('unavailable')
  expect(status.mayHavePending()).toBe(true)
})

it('keeps what it knew when a read fails', async () => {
  await storage.mutations.setItem('1', {})
  let isBroken = false
  const open = () => (isBroken ? Promise.reject(new Error('gone')) : Promise.resolve(storage))
  const status = createStatus({ open, online: true })
  expect(status.mayHavePending()).toBe(true)
  await status.refresh()
  isBroken = true
  await status.refresh()
  expect(status.get()).toMatchObject({ pending: 1, storage: 'unavailable' })
  isBroken = false
  await storage.mutations.clear()
  await status.refresh()
  expect(status.get()).toMatchObject({ pending: 0, storage: 'durable' })
  expect(status.mayHavePending()).toBe(false)
})
