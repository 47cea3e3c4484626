import 'fake-indexeddb/auto'
import { beforeEach, describe, expect, it } from 'vitest'
import { createAppend } from '../src/outbox/append.ts'
import { type PreparedMutation, prepareMutation } from '../src/outbox/mutation-input.ts'
import { pause } from '../src/outbox/pause.ts'
import type { Platform } from '../src/outbox/platform.ts'
import { DEFAULT_RETRY } from '../src/outbox/retry-policy.ts'
import { namesOf } from '../src/protocol/names.ts'
import { openStorage, type Storage } from '../src/storage/open-storage.ts'
import { createChannel } from '../src/tabs/channel.ts'
import { createRun, startReplay } from './replay.ts'

let name: string
let scope: EventTarget
let storage: Storage
let status: number
let sent: string[]
let answer: () => Response | Promise<Response>
let platform: Platform
let count = 0

const defaults: Platform = {
  fetch: async url => {
    sent.push(new URL(String(url)).pathname)
    return answer()
  },
  now: () => Date.now(),
  // The longest delay there is: nothing that failed is due within a test.
  random: () => 0.999,
  isOnline: () => true,
  timeout: delayMs => AbortSignal.timeout(delayMs),
  locks: undefined,
  sleep: () => Promise.reject(new Error('slept')),
}

beforeEach(async () => {
  count += 1
  name = `replay-${count}`
  scope = new EventTarget()
  storage = await openStorage({ name })
  status = 200
  answer = () => new Response(null, { status })
  platform = { ...defaults }
  sent = []
})

/** Starts the worker, and waits until the run with which it begins has found nothing. */
async function start(): Promise<void> {
  const channel = createChannel(name)
  const drained = new Promise<void>(resolve => channel.onMessage(() => resolve()))
  startReplay({ scope: scope as ServiceWorkerGlobalScope, name, platform })
  await drained
  channel.close()
}

async function record(url: string): Promise<void> {
  const ports = { base: 'https://app.example', now: Date.now, newId: () => `id-${url}` }
  // One answer decides, so that no test has to wait for a second attempt.
  const retry = { ...DEFAULT_RETRY, baseMs: 3_600_000, capMs: 3_600_000 }
  await createAppend(storage)(prepareMutation({ url }, { ...ports, retry }) as PreparedMutation)
}

/** Dispatches an event as the browser does, and gives what was handed to `waitUntil`. */
function dispatch(type: string, members: object): Promise<unknown>[] {
  const held: Promise<unknown>[] = []
  const waitUntil = (promise: Promise<unknown>) => held.push(promise)
  scope.dispatchEvent(Object.assign(new Event(type), { waitUntil, ports: [], ...members }))
  return held
}

describe('on sync', () => {
  it('sends what waits', async () => {
    await start()
    await record('/a')
    await Promise.all(dispatch('sync', { tag: `${name}:drain:0` }))
    expect(sent).toEqual(['/a'])
  })

  it('that came just after the network was lost waits for it, since the next would come in five minutes', async () => {
    await start()
    await record('/a')
    let isOnline = false
    answer = () => (isOnline ? new Response() : Promise.reject(new TypeError('no network')))
    platform.isOnline = () => isOnline
    platform.sleep = async () => {
      isOnline = true
    }
    await Promise.all(dispatch('sync', { tag: `${name}:drain:0` }))
    expect(sent).toEqual(['/a', '/a'])
  })

  it('rejects while something remains, so that the browser comes again', async () => {
    await start()
    status = 503
    await record('/a')
    const [event] = dispatch('sync', { tag: `${name}:drain:3` })
    await expect(event).rejects.toThrow('1 writes still wait')
  })

  it('resolves where a person paused the queue: coming again would change nothing', async () => {
    await start()
    await record('/a')
    await pause(storage)
    await Promise.all(dispatch('sync', { tag: `${name}:drain:0` }))
    expect(sent).toEqual([])
  })

  it('leaves the tags of others alone', async () => {
    await start()
    expect(dispatch('sync', { tag: 'workbox-background-sync:q' })).toEqual([])
    expect(dispatch('sync', { tag: 'other:drain:0' })).toEqual([])
  })
})

describe('on a message', () => {
  const request = () => ({ holdfast: 1, type: 'drain', name, eager: true })

  it('sends, and answers to the port when nothing more is due', async () => {
    await start()
    await record('/a')
    const { port1, port2 } = new MessageChannel()
    const answers: unknown[] = []
    port1.onmessage = ({ data }) => answers.push(data)
    await Promise.all(dispatch('message', { data: request(), ports: [port2] }))
    // First that it has begun, so that nobody thinks that it hangs.
    await expect.poll(() => answers[0]).toEqual({ ok: true })
    await expect.poll(() => answers[1]).toMatchObject({ ok: true, result: { synced: 1, failed: 0, remaining: 0 } })
    port1.close()
  })

  it('ignores what is not meant for it', async () => {
    await start()
    for (const data of [null, 'drain', { type: 'SKIP_WAITING' }, { ...request(), name: 'other' }]) {
      expect(dispatch('message', { data })).toEqual([])
    }
  })
})

it('sends what it finds when it starts', async () => {
  await record('/a')
  await start()
  await expect.poll(() => sent).toEqual(['/a'])
})

it('sends when it is activated', async () => {
  await start()
  await record('/a')
  // The event itself waits for nothing of it: every request of the app would wait with it.
  expect(dispatch('activate', {})).toEqual([])
  await expect.poll(() => sent).toEqual(['/a'])
})

it('looks when a request of a page passes through and something is due, and not before', async () => {
  let clock = Date.now()
  platform.now = () => clock
  status = 503
  await record('/a')
  await start()
  await expect.poll(() => storage.mutations.range()).toMatchObject([{ attempts: 1, lastError: { status: 503 } }])
  expect(dispatch('fetch', {})).toEqual([])
  status = 200
  clock += 3_600_000
  // The run that found it may still be ending.
  await expect.poll(() => dispatch('fetch', {})).toHaveLength(1)
  await expect.poll(() => sent).toEqual(['/a', '/a'])
})

it('looks again some time after a run that failed, as on a device that is full: nothing else would say that there is room', async () => {
  let at = 0
  const locks = { request: () => Promise.reject(new Error('no room')) } as unknown as LockManager
  const ports = { ...platform, now: () => at, locks }
  const { run, isDue } = createRun(namesOf(name), ports, undefined)
  await expect(run({ budgetMs: 1_000, eager: true })).rejects.toThrow('no room')
  expect(isDue()).toBe(false)
  at = 10_000
  expect(isDue()).toBe(true)
})
