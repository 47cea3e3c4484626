import 'fake-indexeddb/auto'
import { beforeEach, expect, it } from 'vitest'
import type { DrainResult } from '../protocol/messages.ts'
import type { Lease } from '../protocol/mutation.ts'
import { openStorage } from '../storage/open-storage.ts'
import { createChannel } from '../tabs/channel.ts'
import { createAppend } from './append.ts'
import { changeQueue } from './change-queue.ts'
import { type DrainForPorts, drainFor } from './drain-for.ts'
import { type PreparedMutation, prepareMutation } from './mutation-input.ts'
import { move } from './queue-moves.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'

let ports: DrainForPorts
let clock: number
let slept: number[]
let statuses: number[]
let requests: number
let held: string[]
let count = 0

beforeEach(async () => {
  count += 1
  clock = Date.parse('2026-11-21T12:00:00Z')
  slept = []
  held = []
  requests = 0
  const storage = await openStorage({ name: `drain-for-${count}` })
  ports = {
    storage,
    channel: createChannel(`drain-for-${count}`),
    origin: 'https://app.example',
    now: () => clock,
    random: () => 0.999,
    isOnline: () => true,
    timeout: delayMs => AbortSignal.timeout(delayMs),
    holder: 'me',
    lockName: 'lock',
    locks: lockManager(),
    fetch: async () => new Response(null, { status: statuses[requests++] ?? 200 }),
    sleep: async delayMs => {
      held.push('sleep')
      slept.push(delayMs)
      clock += delayMs
    },
  }
  const prepared = prepareMutation(
    { url: '/a' },
    {
      base: 'https://app.example',
      now: () => clock,
      newId: () => 'a',
      retry: DEFAULT_RETRY,
      loadRare: () => import('./rare-input.ts'),
    },
  )
  await createAppend(storage)(prepared as PreparedMutation)
})

function lockManager(): LockManager {
  const request = async (name: string, options: LockOptions, work: () => Promise<unknown>) => {
    options.signal?.throwIfAborted()
    held.push(`take ${name}`)
    try {
      return await work()
    } finally {
      held.push('free')
    }
  }
  return { request } as unknown as LockManager
}

it('waits for what is due within the budget, without holding the lock meanwhile', async () => {
  statuses = [503, 503, 200]
  const result = await drainFor(ports, { budgetMs: 20_000, eager: false })
  expect(result).toMatchObject({ synced: 1, remaining: 0 })
  expect(slept).toEqual([999, 1998])
  expect(held).toEqual(['take lock', 'free', 'sleep', 'take lock', 'free', 'sleep', 'take lock', 'free'])
})

it('ends where nothing will be due within the budget, and says when', async () => {
  statuses = [503]
  const result = await drainFor({ ...ports, random: () => 2 }, { budgetMs: 1_500, eager: false })
  expect(result).toMatchObject({ synced: 0, remaining: 1, nextAttemptAt: clock + 2_000 })
  expect(slept).toEqual([])
})

it('tells about the first pass before it waits', async () => {
  statuses = [503, 200]
  const told: DrainResult[] = []
  await drainFor(ports, {
    budgetMs: 20_000,
    eager: false,
    onFirstPass: result => {
      told.push(result)
      held.push('told')
    },
  })
  expect(told).toMatchObject([{ synced: 0, remaining: 1 }])
  expect(held.slice(0, 4)).toEqual(['take lock', 'free', 'told', 'sleep'])
})

it('gives up quietly where somebody else holds the lock for all of its time', async () => {
  statuses = [200]
  const locks = {
    request: (_name: string, { signal }: LockOptions) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  } as unknown as LockManager
  expect(await drainFor({ ...ports, locks }, { budgetMs: 20, eager: false })).toEqual({
    synced: 0,
    failed: 0,
    remaining: 1,
  })
  expect(requests).toBe(0)
})

it('leaves the database to the writes while the device is offline, unless there is reason to try', async () => {
  statuses = [200]
  const offline = { ...ports, isOnline: () => false }
  expect(await drainFor(offline, { budgetMs: 1_000, eager: false })).toEqual({ synced: 0, failed: 0, remaining: 1 })
  expect(held).toEqual([])
  expect(await drainFor(offline, { budgetMs: 1_500, eager: true })).toMatchObject({ synced: 1 })
})

it('drains under leases alone where there are no Web Locks', async () => {
  statuses = [200]
  expect(await drainFor({ ...ports, locks: undefined }, { budgetMs: 1_000, eager: false })).toMatchObject({ synced: 1 })
})

it('passes by a lock whose holder sends nothing, and not one whose holder has a lease', async () => {
  statuses = [200]
  const hung = {
    request: (_name: string, { signal }: LockOptions) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  } as unknown as LockManager
  const patience: number[] = []
  const timeout = (delayMs: number) => {
    // Only the wait for the lock is over at once, and takes its time on the clock.
    const isWait = delayMs <= 5_000
    if (isWait) patience.push(delayMs)
    if (isWait) clock += delayMs
    return isWait ? AbortSignal.timeout(1) : new AbortController().signal
  }
  const stuck = { ...ports, locks: hung, timeout }
  const lease = { holder: 'other', token: 1, until: clock + 12_000 }
  await changeLease(lease)
  expect(await drainFor(stuck, { budgetMs: 60_000, eager: false })).toMatchObject({ synced: 1, remaining: 0 })
  expect(patience).toEqual([5_000, 5_000, 5_000])
})

/** Puts the mutation under a lease of somebody else, as a claim does. */
async function changeLease(lease: Lease): Promise<void> {
  await changeQueue(ports.storage, async queue => {
    const [mutation] = await queue.tx.objectStore('mutations').getAll()
    await move(queue, { ...mutation, lease }, { in: 'sending' })
  })
}
