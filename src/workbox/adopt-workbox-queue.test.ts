import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DeadRecord } from '../outbox/dead-record.ts'
import { answerOf } from '../storage/database.ts'
import { openStorage } from '../storage/open-storage.ts'
import { adoptWorkboxQueue } from './adopt-workbox-queue.ts'
import { forgetQueueNames, ORIGIN, pathOf, post, startContext, type WorkerContext } from './context.fixture.ts'
import { Queue } from './queue.ts'
import { syncTagOf } from './sync-registration.ts'
import type { WorkboxEntry } from './workbox-database.ts'

let context: WorkerContext

beforeEach(() => {
  context = startContext()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
  vi.unstubAllEnvs()
})

/** What an app has left in Workbox's own queue. */
async function workboxQueue(name: string, paths: string[] = []) {
  vi.resetModules()
  const workbox = await import('workbox-background-sync')
  const queue = new workbox.Queue(name)
  for (const path of paths) await queue.pushRequest({ request: post(path), metadata: { path } })
  return queue
}

function ourQueue(options = {}): Queue {
  context.kill()
  forgetQueueNames()
  return new Queue('q', options)
}

const sentPaths = () => context.sent.map(({ url }) => pathOf(url))
const pathsIn = async (queue: Queue) => (await queue.getAll()).map(({ request }) => pathOf(request.url))

describe('adoptWorkboxQueue', () => {
  it('takes over what waits, in its order, with all that belongs to it', async () => {
    const old = await workboxQueue('q', ['/1', '/2'])
    await old.unshiftRequest({ request: post('/0'), timestamp: Date.now() - 1000, metadata: { path: '/0' } })
    const [first] = await old.getAll()
    context.tags.length = 0
    expect(await adoptWorkboxQueue('q')).toEqual({ adopted: 3, left: [] })
    expect(context.tags).toEqual([syncTagOf('q')])
    expect(await old.size()).toBe(0)
    const queue = ourQueue()
    const entries = await queue.getAll()
    expect(entries.map(({ metadata }) => metadata)).toEqual([{ path: '/0' }, { path: '/1' }, { path: '/2' }])
    expect(entries[0]?.timestamp).toBe(first?.timestamp)
    await queue.replayRequests()
    expect(sentPaths()).toEqual(['/0', '/1', '/2'])
    expect(context.sent[0]).toMatchObject({ method: 'POST', body: 'body of /0', headers: { 'x-path': '/0' } })
  })

  it('puts it before what was written since', async () => {
    await workboxQueue('q', ['/1', '/2'])
    await ourQueue().pushRequest({ request: post('/3') })
    await adoptWorkboxQueue('q')
    await ourQueue().replayRequests()
    expect(sentPaths()).toEqual(['/1', '/2', '/3'])
  })

  it('leaves the queues of other names alone', async () => {
    const old = await workboxQueue('other', ['/1'])
    expect(await adoptWorkboxQueue('q')).toEqual({ adopted: 0, left: [] })
    expect(await old.size()).toBe(1)
  })

  it('does nothing where there was never a Workbox, and makes no database', async () => {
    expect(await adoptWorkboxQueue('q')).toEqual({ adopted: 0, left: [] })
    expect((await indexedDB.databases()).map(({ name }) => name)).toEqual([])
  })

  it('leaves what an outbox does not take, and says why', async () => {
    const old = await workboxQueue('q', ['/1'])
    await old.pushRequest({ request: new Request(`${ORIGIN}/read`) })
    await old.pushRequest({ request: post('/2') })
    const { adopted, left } = await adoptWorkboxQueue('q')
    expect(adopted).toBe(2)
    expect(left).toEqual([
      { id: 2, url: `${ORIGIN}/read`, method: 'GET', reason: expect.stringContaining('not a write') },
    ])
    expect(await old.size()).toBe(1)
    expect(await pathsIn(ourQueue())).toEqual(['/1', '/2'])
  })

  it('keeps it for an onSync, where the app has one', async () => {
    await workboxQueue('q', ['/1'])
    const onSync = vi.fn()
    await adoptWorkboxQueue('q', { onSync })
    const other = new Queue('other')
    await other.replayRequests()
    expect(context.sent).toEqual([])
    const queue = ourQueue({ onSync })
    await queue.replayRequests()
    expect(sentPaths()).toEqual(['/1'])
  })

  it('makes a dead letter of what waited too long, and loses nothing', async () => {
    const old = await workboxQueue('q')
    await old.pushRequest({ request: post('/1'), timestamp: Date.now() - 8 * 24 * 60 * 60_000 })
    await adoptWorkboxQueue('q')
    await ourQueue().replayRequests()
    const storage = await openStorage({ name: 'holdfast' })
    expect(await storage.dead.range<DeadRecord>()).toMatchObject([{ reason: 'expired' }])
    storage.close()
  })

  it('takes what comes later under numbers that were there before', async () => {
    await workboxQueue('q', ['/1'])
    const entry = await readRaw()
    await adoptWorkboxQueue('q')
    await ourQueue().replayRequests()
    expect(await readRaw()).toBeUndefined()
    await putRaw({ ...entry, timestamp: Number(entry?.timestamp) + 1 })
    await adoptWorkboxQueue('q')
    await ourQueue().replayRequests()
    expect(sentPaths()).toEqual(['/1', '/1'])
  })

  it('takes each once where two do it at the same time', async () => {
    await workboxQueue('q', ['/1', '/2', '/3'])
    for (const locks of [navigator.locks, undefined]) {
      Object.assign(navigator, { locks })
      await Promise.all([adoptWorkboxQueue('q'), adoptWorkboxQueue('q')])
    }
    expect(await pathsIn(ourQueue())).toEqual(['/1', '/2', '/3'])
  })

  it.each([
    ['', false],
    [', and what was taken over is delivered meanwhile', true],
  ])('takes each once, wherever it is interrupted%s', async (_meanwhile, delivers) => {
    for (let calls = 1; ; calls += 1) {
      context = startContext()
      await workboxQueue('q', ['/1', '/2'])
      const isWhole = await adoptAndDieAfter(calls)
      if (delivers) await ourQueue().replayRequests()
      await adoptWorkboxQueue('q')
      await ourQueue().replayRequests()
      expect(sentPaths(), `after ${calls}`).toEqual(['/1', '/2'])
      if (isWhole) return expect(calls).toBeGreaterThan(6)
    }
  })
})

/** After that many transactions the worker is dead: no other begins. Says whether it was done by then. */
async function adoptAndDieAfter(calls: number): Promise<boolean> {
  const { transaction } = IDBDatabase.prototype
  let count = 0
  const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (
    this: IDBDatabase,
    ...args: Parameters<IDBDatabase['transaction']>
  ) {
    // The upgrade of a database begins its own.
    if (String(args[1]) !== 'versionchange') count += 1
    if (count > calls) throw new DOMException('killed', 'UnknownError')
    return transaction.apply(this, args)
  })
  try {
    await adoptWorkboxQueue('q')
    return true
  } catch {
    return false
  } finally {
    spy.mockRestore()
  }
}

/** The first entry in Workbox's database. */
async function readRaw(): Promise<WorkboxEntry | undefined> {
  return withStore(async store => (await answerOf<WorkboxEntry[]>(store.getAll()))[0])
}

async function putRaw(entry: Partial<WorkboxEntry>): Promise<void> {
  await withStore(store => answerOf(store.put(entry)))
}

async function withStore<T>(use: (store: IDBObjectStore) => Promise<T>): Promise<T> {
  const database = await answerOf(indexedDB.open('workbox-background-sync'))
  try {
    return await use(database.transaction('requests', 'readwrite').objectStore('requests'))
  } finally {
    database.close()
  }
}
