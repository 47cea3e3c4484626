import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DeadRecord } from '../outbox/dead-record.ts'
import { HELD_KEY } from '../outbox/pause.ts'
import { PRINCIPAL_KEY } from '../outbox/principal.ts'
import type { Mutation } from '../protocol/mutation.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { forgetQueueNames, ORIGIN, pathOf, post, startContext, type WorkerContext } from './context.fixture.ts'
import { Queue, type QueueOptions } from './queue.ts'
import { syncTagOf } from './sync-registration.ts'

const TAG = syncTagOf('q')
const HOUR = 60 * 60_000

let context: WorkerContext
let storage: Storage

beforeEach(async () => {
  context = startContext()
  forgetQueueNames()
  storage = await openStorage({ name: 'holdfast' })
})
afterEach(() => {
  storage.close()
  vi.unstubAllGlobals()
  vi.unstubAllEnvs()
})

/** A worker starts, with that queue and what it is given. */
async function startQueue(paths: string[] = [], options: QueueOptions = {}): Promise<Queue> {
  forgetQueueNames()
  const queue = new Queue('q', options)
  for (const path of paths) await queue.pushRequest({ request: post(path) })
  return queue
}

async function restart(options: QueueOptions = {}): Promise<Queue> {
  context.kill()
  return startQueue([], options)
}

const waiting = () => storage.mutations.range<Mutation>()
const dead = () => storage.dead.range<DeadRecord>()
const sentPaths = () => context.sent.map(({ url }) => pathOf(url))
const pathsIn = async (queue: Queue) => (await queue.getAll()).map(({ request }) => pathOf(request.url))

/** Each status for its path, `/404` for example. */
function answerByPath(): void {
  context.answer(({ url }) => new Response('', { status: Number(pathOf(url).slice(1)) }))
}

describe('an answer is judged by its status', () => {
  it('what the server refuses becomes a dead letter, and what follows goes on', async () => {
    const queue = await startQueue(['/404', '/200'])
    answerByPath()
    await queue.replayRequests()
    expect(sentPaths()).toEqual(['/404', '/200'])
    expect(await dead()).toMatchObject([{ reason: 'refused', status: 404, mutation: { entity: 'workbox:q' } }])
  })

  it('what failed on the server stays, and what follows waits behind it', async () => {
    const queue = await startQueue(['/503', '/200'])
    answerByPath()
    await expect(queue.replayRequests()).rejects.toMatchObject({ name: 'queue-replay-failed' })
    expect(sentPaths()).toEqual(['/503'])
    expect(await pathsIn(queue)).toEqual(['/503', '/200'])
  })

  it('a server that asks who this is stops everything until the user has signed in', async () => {
    const queue = await startQueue(['/401', '/200'])
    answerByPath()
    await expect(queue.replayRequests()).rejects.toMatchObject({ name: 'queue-replay-failed' })
    expect(sentPaths()).toEqual(['/401'])
    expect(await storage.meta.getItem(HELD_KEY)).toMatchObject({ status: 401 })
  })
})

describe('what waits too long is a dead letter', () => {
  it.each([
    ['getAll', (queue: Queue) => queue.getAll()],
    ['shiftRequest', (queue: Queue) => queue.shiftRequest()],
    ['popRequest', (queue: Queue) => queue.popRequest()],
    ['replayRequests', (queue: Queue) => queue.replayRequests()],
  ])('by %s', async (_by, use) => {
    const queue = await startQueue([], { maxRetentionTime: 60 })
    await queue.pushRequest({ request: post('/1'), timestamp: Date.now() - 2 * HOUR })
    await use(queue)
    expect(context.sent).toEqual([])
    expect(await queue.size()).toBe(0)
    expect(await dead()).toMatchObject([{ reason: 'expired', mutation: { url: `${ORIGIN}/1` } }])
  })
})

describe('what is recorded', () => {
  it('has no secrets', async () => {
    const queue = await startQueue()
    const headers = { authorization: 'Bearer secret', 'proxy-authorization': 'secret' }
    await queue.pushRequest({ request: post('/1', { headers }) })
    expect(JSON.stringify(await waiting())).not.toContain('secret')
    await queue.replayRequests()
    expect(context.sent).toHaveLength(1)
  })

  it.each([
    ['a read', new Request(`${ORIGIN}/1`)],
    ['what nobody could see the answer of', new Request('https://other.example/', { method: 'POST', mode: 'no-cors' })],
  ])('is not %s', async (_what, request) => {
    const queue = await startQueue()
    await expect(queue.pushRequest({ request })).rejects.toMatchObject({ code: 'invalid-mutation' })
    expect(await queue.size()).toBe(0)
    await queue.pushRequest({ request: post('/2') })
    expect(await pathsIn(queue)).toEqual(['/2'])
  })

  it('belongs to whoever uses the app', async () => {
    await storage.meta.setItem(PRINCIPAL_KEY, 'ann')
    const queue = await startQueue(['/ann'])
    await storage.meta.setItem(PRINCIPAL_KEY, 'bob')
    expect(await queue.size()).toBe(0)
    await queue.pushRequest({ request: post('/bob') })
    await queue.replayRequests()
    expect(sentPaths()).toEqual(['/bob'])
    await storage.meta.setItem(PRINCIPAL_KEY, 'ann')
    expect(await pathsIn(queue)).toEqual(['/ann'])
  })

  it('is in the order of the calls, also where they are not awaited', async () => {
    const queue = await startQueue()
    const paths = Array.from({ length: 20 }, (_, index) => `/${index}`)
    await Promise.all(paths.map(path => queue.pushRequest({ request: post(path) })))
    expect(await pathsIn(queue)).toEqual(paths)
  })

  it('takes any number of requests at the beginning', async () => {
    const queue = await startQueue(['/5'])
    for (const path of ['/4', '/3', '/2', '/1']) await queue.unshiftRequest({ request: post(path) })
    expect(await pathsIn(queue)).toEqual(['/1', '/2', '/3', '/4', '/5'])
    await queue.replayRequests()
    expect(sentPaths()).toEqual(['/1', '/2', '/3', '/4', '/5'])
  })
})

describe('with an onSync', () => {
  it('nobody else sends what is in the queue', async () => {
    const queue = await startQueue(['/1'], { onSync: () => undefined })
    const other = new Queue('other')
    await other.pushRequest({ request: post('/other') })
    await other.replayRequests()
    expect(sentPaths()).toEqual(['/other'])
    expect(await queue.size()).toBe(1)
  })

  it('hundreds are let go by the replay, in their order', async () => {
    const paths = Array.from({ length: 230 }, (_, index) => `/${index}`)
    const queue = await startQueue(paths, { onSync: () => undefined })
    await queue.replayRequests()
    expect(sentPaths()).toEqual(paths)
  })

  it('a request in hand carries its key, the same at every attempt', async () => {
    const onSync: QueueOptions['onSync'] = async ({ queue }) => {
      const entry = await queue.shiftRequest()
      if (!entry) return
      await fetch(entry.request.clone())
      await queue.unshiftRequest(entry)
      throw new Error('later')
    }
    await startQueue(['/1'], { onSync })
    await expect(context.sync(TAG)).rejects.toThrow('later')
    await expect(context.sync(TAG)).rejects.toThrow('later')
    await (await restart()).replayRequests()
    const keys = context.sent.map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(3)
    expect(keys[0]).toMatch(/^"[0-9a-f-]{36}"$/)
    expect(new Set(keys).size).toBe(1)
  })

  it('what was in hand comes back when the worker is killed', async () => {
    const onSync: QueueOptions['onSync'] = async ({ queue }) => {
      await queue.shiftRequest()
      await queue.shiftRequest()
      await new Promise(() => undefined)
    }
    await startQueue(['/1', '/2', '/3'], { onSync })
    void context.sync(TAG)
    await expect.poll(async () => (await waiting()).filter(({ lease }) => lease)).toHaveLength(2)
    const queue = await restart({ onSync: ({ queue }) => queue.replayRequests() })
    await context.sync(TAG)
    expect(sentPaths()).toEqual(['/1', '/2', '/3'])
    expect(await queue.size()).toBe(0)
  })

  it('what it failed with comes back, although it was not put back', async () => {
    const onSync: QueueOptions['onSync'] = async ({ queue }) => {
      for (let entry = await queue.shiftRequest(); entry; entry = await queue.shiftRequest()) await fetch(entry.request)
    }
    const queue = await startQueue(['/1', '/2', '/3'], { onSync })
    context.answer(({ url }) => (pathOf(url) === '/2' ? Promise.reject(new TypeError('lost')) : new Response()))
    await expect(context.sync(TAG)).rejects.toThrow('lost')
    expect(await pathsIn(queue)).toEqual(['/2', '/3'])
  })

  it('what it has sent by hand is gone from the outbox', async () => {
    const onSync: QueueOptions['onSync'] = async ({ queue }) => {
      await queue.shiftRequest()
    }
    await startQueue(['/1'], { onSync })
    await context.sync(TAG)
    expect(await waiting()).toEqual([])
    expect(await dead()).toEqual([])
    expect(await storage.meta.getItem('counters')).toMatchObject({ lanes: {} })
  })

  it('a large body is there again when it is put back', async () => {
    const body = 'x'.repeat(200_000)
    const queue = await startQueue()
    await queue.pushRequest({ request: post('/1', { body }) })
    const entry = await queue.shiftRequest()
    expect(await storage.blobs.keys()).toEqual([])
    if (entry) await queue.unshiftRequest(entry)
    await queue.replayRequests()
    expect(context.sent.map(({ body: { length } }) => length)).toEqual([200_000])
    expect(await storage.blobs.keys()).toEqual([])
  })

  it('what is put back behind another one lets that one go', async () => {
    await startQueue(['/1', '/2'])
    const onSync: QueueOptions['onSync'] = async ({ queue }) => {
      const first = await queue.shiftRequest()
      if (first) await queue.pushRequest(first)
    }
    await restart({ onSync })
    await context.sync(TAG)
    await new Queue('other').replayRequests()
    expect(sentPaths()).toEqual(['/2', '/1'])
    expect(await storage.meta.getItem('counters')).toMatchObject({ lanes: {} })
  })
})

describe('in a page', () => {
  const becomePage = (serviceWorker?: object) => {
    vi.stubGlobal('registration', undefined)
    Object.assign(navigator, { serviceWorker })
  }

  it('is sent by the worker, of which the page asks it', async () => {
    const tags: string[] = []
    const registration = { sync: { register: async (tag: string) => void tags.push(tag) } }
    becomePage({ getRegistration: async () => registration })
    const queue = await startQueue(['/1'])
    expect(tags).toEqual([TAG])
    await queue.replayRequests()
    expect(sentPaths()).toEqual(['/1'])
  })

  it('is sent when the page starts', async () => {
    await startQueue(['/1'])
    context.kill()
    becomePage()
    await startQueue()
    await expect.poll(sentPaths).toEqual(['/1'])
  })
})
