import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ORIGIN, pathOf, post, startContext, type WorkerContext } from './context.fixture.ts'

interface Entry {
  request: Request
  timestamp?: number
  metadata?: object
}

interface ContractQueue {
  readonly name: string
  pushRequest(entry: Entry): Promise<void>
  unshiftRequest(entry: Entry): Promise<void>
  popRequest(): Promise<Entry | undefined>
  shiftRequest(): Promise<Entry | undefined>
  getAll(): Promise<Entry[]>
  size(): Promise<number>
  replayRequests(): Promise<void>
  registerSync(): Promise<void>
}

interface ContractOptions {
  onSync?: (options: { queue: ContractQueue }) => void | Promise<void>
  maxRetentionTime?: number
  forceSyncFallback?: boolean
}

/** What a worker imports to keep requests for later. */
export interface QueueModule {
  Queue: new (name: string, options?: ContractOptions) => ContractQueue
  BackgroundSyncPlugin: new (
    name: string,
    options?: ContractOptions,
  ) => { fetchDidFail(options: { request: Request }): Promise<void> }
}

const TAG = 'workbox-background-sync:q'
const HOUR = 60 * 60_000

/**
 * What users of workbox-background-sync 7.4 build on, for its own classes and for ours. `load` gives the module anew, as a
 * worker that has just started has it.
 */
export function queueContract(title: string, load: () => Promise<QueueModule>): void {
  describe(title, () => contractOf(load))
}

function contractOf(load: () => Promise<QueueModule>): void {
  let context: WorkerContext
  let module: QueueModule

  beforeEach(async () => {
    context = startContext()
    module = await load()
  })
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.unstubAllEnvs()
    vi.useRealTimers()
  })

  async function queueOf(paths: string[], options?: ContractOptions): Promise<ContractQueue> {
    const queue = new module.Queue('q', options)
    for (const path of paths) await queue.pushRequest({ request: post(path) })
    return queue
  }

  const sentPaths = () => context.sent.map(({ url }) => pathOf(url))

  describe('names', () => {
    it('has the name that it was given', async () => {
      expect(new module.Queue('notes').name).toBe('notes')
    })

    it('refuses a second queue of one name', async () => {
      const make = () => new module.Queue('q')
      make()
      expect(make).toThrow(expect.objectContaining({ name: 'duplicate-queue-name', details: { name: 'q' } }))
      expect(() => new module.BackgroundSyncPlugin('q')).toThrow(
        expect.objectContaining({ name: 'duplicate-queue-name' }),
      )
    })

    it('keeps two queues apart', async () => {
      const [one, other] = [new module.Queue('q'), new module.Queue('r')]
      await one.pushRequest({ request: post('/1') })
      await other.pushRequest({ request: post('/2') })
      expect(await pathsIn(one)).toEqual(['/1'])
      expect(await pathsIn(other)).toEqual(['/2'])
      expect(pathOf((await other.shiftRequest())?.request.url)).toBe('/2')
      expect(await one.size()).toBe(1)
    })
  })

  describe('order', () => {
    it('gives what was pushed first to last, from either end', async () => {
      const queue = await queueOf(['/1', '/2', '/3', '/4'])
      expect(await pathsIn(queue)).toEqual(['/1', '/2', '/3', '/4'])
      expect(pathOf((await queue.shiftRequest())?.request.url)).toBe('/1')
      expect(pathOf((await queue.popRequest())?.request.url)).toBe('/4')
      expect(await pathsIn(queue)).toEqual(['/2', '/3'])
      expect(await queue.size()).toBe(2)
    })

    it('puts what is unshifted before everything', async () => {
      const queue = await queueOf(['/a', '/b', '/3'])
      await queue.shiftRequest()
      await queue.shiftRequest()
      await queue.unshiftRequest({ request: post('/2') })
      await queue.unshiftRequest({ request: post('/1') })
      expect(await pathsIn(queue)).toEqual(['/1', '/2', '/3'])
    })

    it('puts an entry that was taken back where it is told', async () => {
      const queue = await queueOf(['/1', '/2', '/3'])
      await queue.unshiftRequest((await queue.shiftRequest()) as Entry)
      expect(await pathsIn(queue)).toEqual(['/1', '/2', '/3'])
      await queue.pushRequest((await queue.shiftRequest()) as Entry)
      expect(await pathsIn(queue)).toEqual(['/2', '/3', '/1'])
      await queue.unshiftRequest((await queue.popRequest()) as Entry)
      expect(await pathsIn(queue)).toEqual(['/1', '/2', '/3'])
    })

    it('gives undefined when it is empty', async () => {
      const queue = await queueOf([])
      expect(await queue.shiftRequest()).toBeUndefined()
      expect(await queue.popRequest()).toBeUndefined()
      expect(await queue.getAll()).toEqual([])
      expect(await queue.size()).toBe(0)
    })

    it('is there after a restart', async () => {
      await queueOf(['/1', '/2'])
      context.kill()
      module = await load()
      expect(await pathsIn(new module.Queue('q'))).toEqual(['/1', '/2'])
    })
  })

  describe('entries', () => {
    it('keep method, address, headers and body of any kind', async () => {
      const queue = await queueOf([])
      const bytes = new Uint8Array([0, 255, 7])
      const headers = { 'content-type': 'application/octet-stream', 'x-own': 'yes' }
      await queue.pushRequest({ request: new Request(`${ORIGIN}/bytes?a=1`, { method: 'PUT', headers, body: bytes }) })
      await queue.pushRequest({ request: new Request(`${ORIGIN}/none`, { method: 'DELETE' }) })
      const form = new FormData()
      form.append('file', new Blob(['x'.repeat(100_000)]), 'large.txt')
      await queue.pushRequest({ request: new Request(`${ORIGIN}/form`, { method: 'POST', body: form }) })
      const [first, second, third] = (await queue.getAll()).map(({ request }) => request)
      expect([first?.method, first?.url]).toEqual(['PUT', `${ORIGIN}/bytes?a=1`])
      expect(Object.fromEntries(first?.headers ?? [])).toEqual(headers)
      expect(new Uint8Array((await first?.arrayBuffer()) ?? [])).toEqual(bytes)
      expect([second?.method, await second?.text()]).toEqual(['DELETE', ''])
      const file = (await third?.formData())?.get('file') as File
      expect([file.name, file.size]).toEqual(['large.txt', 100_000])
    })

    it('keep the modes of the request', async () => {
      const queue = await queueOf([])
      const modes = { credentials: 'include', cache: 'no-cache', redirect: 'error', referrerPolicy: 'origin' } as const
      await queue.pushRequest({ request: new Request(`${ORIGIN}/1`, { method: 'POST', ...modes }) })
      expect((await queue.shiftRequest())?.request).toMatchObject(modes)
    })

    it('have the time at which they were added, or the one that was given', async () => {
      const before = Date.now()
      const queue = await queueOf(['/1'])
      await queue.pushRequest({ request: post('/2'), timestamp: before - HOUR })
      const [now, given] = (await queue.getAll()).map(({ timestamp = 0 }) => timestamp)
      expect(now).toBeGreaterThanOrEqual(before)
      expect(now).toBeLessThanOrEqual(Date.now())
      expect(given).toBe(before - HOUR)
    })

    it('have metadata where it was given, and keep it when they are put back', async () => {
      const queue = await queueOf(['/1'])
      await queue.pushRequest({ request: post('/2'), metadata: { by: ['me'] } })
      expect('metadata' in ((await queue.shiftRequest()) as Entry)).toBe(false)
      const second = (await queue.shiftRequest()) as Entry
      expect(second.metadata).toEqual({ by: ['me'] })
      await queue.unshiftRequest({ ...second, metadata: { by: ['you'] } })
      expect((await queue.shiftRequest())?.metadata).toEqual({ by: ['you'] })
    })

    it('leave the request that was given as it was', async () => {
      const queue = await queueOf([])
      const request = post('/1', { body: 'text' })
      await queue.pushRequest({ request })
      expect(await request.text()).toBe('text')
    })

    it('that are older than they may be are not given any more', async () => {
      const queue = await queueOf([], { maxRetentionTime: 60 })
      const old = { timestamp: Date.now() - 2 * HOUR }
      for (const path of ['/1', '/2', '/3']) await queue.pushRequest({ request: post(path), ...old })
      await queue.pushRequest({ request: post('/4') })
      await queue.pushRequest({ request: post('/5'), ...old })
      expect(await queue.size()).toBe(5)
      expect(await pathsIn(queue)).toEqual(['/4'])
      expect(await queue.size()).toBe(1)
    })

    it.each(['shiftRequest', 'popRequest'] as const)('that are too old are passed over by %s', async method => {
      const queue = await queueOf([], { maxRetentionTime: 60 })
      const old = { timestamp: Date.now() - 2 * HOUR }
      await queue.pushRequest({ request: post('/1'), ...old })
      await queue.pushRequest({ request: post('/2') })
      await queue.pushRequest({ request: post('/3'), ...old })
      expect(pathOf((await queue[method]())?.request.url)).toBe('/2')
      expect(await queue[method]()).toBeUndefined()
    })

    it('may wait a week by default', async () => {
      const queue = await queueOf([])
      await queue.pushRequest({ request: post('/1'), timestamp: Date.now() - 8 * 24 * HOUR })
      await queue.pushRequest({ request: post('/2'), timestamp: Date.now() - 6 * 24 * HOUR })
      expect(await pathsIn(queue)).toEqual(['/2'])
    })
  })

  describe('sync', () => {
    it('is asked for by whatever is added', async () => {
      const queue = await queueOf(['/1'])
      expect(context.tags).toEqual([TAG])
      await queue.unshiftRequest({ request: post('/2') })
      await queue.registerSync()
      expect(context.tags).toEqual([TAG, TAG, TAG])
    })

    it('may be refused by the browser', async () => {
      vi.stubGlobal('registration', { sync: { register: () => Promise.reject(new Error('switched off')) } })
      expect(await (await queueOf(['/1'])).size()).toBe(1)
    })

    it('sends everything in order, as it was', async () => {
      const queue = await queueOf(['/1', '/2', '/3'])
      await context.sync(TAG)
      expect(sentPaths()).toEqual(['/1', '/2', '/3'])
      expect(context.sent[0]).toMatchObject({ method: 'POST', body: 'body of /1', headers: { 'x-path': '/1' } })
      expect(await queue.size()).toBe(0)
    })

    it('ignores the tags of others', async () => {
      const queue = await queueOf(['/1'])
      await context.sync('workbox-background-sync:other')
      await context.sync('q')
      expect(context.sent).toEqual([])
      expect(await queue.size()).toBe(1)
    })

    it('without a network fails, keeps the order, and delivers at the next', async () => {
      const queue = await queueOf(['/1', '/2'])
      context.offline()
      const error = { name: 'queue-replay-failed', details: { name: 'q' } }
      await expect(context.sync(TAG)).rejects.toMatchObject(error)
      expect(await pathsIn(queue)).toEqual(['/1', '/2'])
      context.online()
      await context.sync(TAG)
      expect(sentPaths()).toEqual(['/1', '/2'])
    })

    it('goes on behind what was delivered before the network was lost', async () => {
      const queue = await queueOf(['/1', '/2', '/3'])
      context.answer(({ url }) => {
        if (pathOf(url) === '/1') context.offline()
        return new Response()
      })
      await expect(context.sync(TAG)).rejects.toMatchObject({ name: 'queue-replay-failed' })
      expect(await pathsIn(queue)).toEqual(['/2', '/3'])
      context.online()
      await context.sync(TAG)
      expect(sentPaths()).toEqual(['/1', '/2', '/3'])
    })

    it('wakes a worker that was stopped', async () => {
      await queueOf(['/1'])
      context.kill()
      module = await load()
      const queue = new module.Queue('q')
      await context.sync(TAG)
      expect(sentPaths()).toEqual(['/1'])
      expect(await queue.size()).toBe(0)
    })

    it('asks once more for what was added meanwhile, when it is over', async () => {
      const during: string[][] = []
      const queue = await queueOf(['/1'], {
        async onSync({ queue }) {
          await queue.shiftRequest()
          await queue.pushRequest({ request: post('/2') })
          during.push([...context.tags])
        },
      })
      context.tags.length = 0
      await context.sync(TAG)
      expect(during).toEqual([[]])
      expect(context.tags).toEqual([TAG])
      expect(await pathsIn(queue)).toEqual(['/2'])
    })

    it.each([
      [false, []],
      [true, [TAG]],
    ])('that failed asks again only at the last chance (%s)', async (lastChance, tags) => {
      await queueOf(['/1'], {
        async onSync({ queue }) {
          await queue.unshiftRequest((await queue.shiftRequest()) as Entry)
          throw new Error('later')
        },
      })
      context.tags.length = 0
      await expect(context.sync(TAG, { lastChance })).rejects.toThrow('later')
      expect(context.tags).toEqual(tags)
    })
  })

  describe('onSync', () => {
    it('takes the place of the replay, and is given the queue', async () => {
      const onSync = vi.fn()
      const queue = await queueOf(['/1'], { onSync })
      await context.sync(TAG)
      expect(onSync).toHaveBeenCalledExactlyOnceWith({ queue })
      expect(context.sent).toEqual([])
      expect(await pathsIn(queue)).toEqual(['/1'])
    })

    it('may call the replay', async () => {
      const queue = await queueOf(['/1', '/2'], { onSync: ({ queue }) => queue.replayRequests() })
      await context.sync(TAG)
      expect(sentPaths()).toEqual(['/1', '/2'])
      expect(await queue.size()).toBe(0)
    })

    it('may call the replay, and fails with it', async () => {
      const queue = await queueOf(['/1', '/2'], { onSync: ({ queue }) => queue.replayRequests() })
      context.offline()
      await expect(context.sync(TAG)).rejects.toMatchObject({ name: 'queue-replay-failed' })
      expect(await pathsIn(queue)).toEqual(['/1', '/2'])
    })

    it('may send by hand', async () => {
      const queue = await queueOf(['/1', '/2'], { onSync: byHand })
      await context.sync(TAG)
      expect(sentPaths()).toEqual(['/1', '/2'])
      expect(await queue.size()).toBe(0)
      await context.sync(TAG)
      expect(context.sent).toHaveLength(2)
    })

    it('may send by hand, and put back what it could not send', async () => {
      const queue = await queueOf(['/1', '/2', '/3'], { onSync: byHand })
      context.answer(({ url }) => (pathOf(url) === '/2' ? Promise.reject(new TypeError('lost')) : new Response()))
      await expect(context.sync(TAG)).rejects.toThrow('lost')
      expect(await pathsIn(queue)).toEqual(['/2', '/3'])
      context.answer(() => new Response())
      await context.sync(TAG)
      expect(sentPaths()).toEqual(['/1', '/2', '/2', '/3'])
    })

    it('may take out some, and have the rest replayed', async () => {
      const queue = await queueOf(['/1', '/2', '/3'], {
        async onSync({ queue }) {
          await queue.shiftRequest()
          const last = (await queue.popRequest()) as Entry
          await queue.replayRequests()
          await queue.pushRequest(last)
        },
      })
      await context.sync(TAG)
      expect(sentPaths()).toEqual(['/2'])
      expect(await pathsIn(queue)).toEqual(['/3'])
    })

    it('may alter what it puts back', async () => {
      const queue = await queueOf(['/1'], {
        async onSync({ queue }) {
          const { request } = (await queue.shiftRequest()) as Entry
          const altered = new Request(request, { headers: { ...Object.fromEntries(request.headers), 'x-try': '2' } })
          await queue.unshiftRequest({ request: altered, metadata: { tries: 1 } })
          throw new Error('later')
        },
      })
      await expect(context.sync(TAG)).rejects.toThrow('later')
      const [entry, ...others] = await queue.getAll()
      expect(others).toEqual([])
      expect(entry?.request.headers.get('x-try')).toBe('2')
      expect(await entry?.request.text()).toBe('body of /1')
      expect(entry?.metadata).toEqual({ tries: 1 })
    })
  })

  describe('without sync events', () => {
    it.each([
      ['by choice', { forceSyncFallback: true }, true],
      ['for want of them', {}, false],
    ])('%s, each start of the worker replays', async (_why, options, hasSync) => {
      await queueOf(['/1', '/2'])
      context.kill()
      if (!hasSync) vi.stubGlobal('registration', {})
      module = await load()
      const queue = new module.Queue('q', options)
      await expect.poll(sentPaths).toEqual(['/1', '/2'])
      await expect.poll(() => queue.size()).toBe(0)
      context.tags.length = 0
      await queue.pushRequest({ request: post('/3') })
      expect(context.tags).toEqual([])
    })
  })

  describe('BackgroundSyncPlugin', () => {
    it('keeps a request that failed, and sends it at the next sync', async () => {
      const plugin = new module.BackgroundSyncPlugin('q', { maxRetentionTime: 60 })
      await plugin.fetchDidFail({ request: post('/1') })
      expect(context.tags).toEqual([TAG])
      await context.sync(TAG)
      expect(sentPaths()).toEqual(['/1'])
    })
  })
}

/** As the documentation of Workbox shows it. */
async function byHand({ queue }: { queue: ContractQueue }): Promise<void> {
  for (let entry = await queue.shiftRequest(); entry; entry = await queue.shiftRequest()) {
    try {
      await fetch(entry.request.clone())
    } catch (error) {
      await queue.unshiftRequest(entry)
      throw error
    }
  }
}

async function pathsIn(queue: ContractQueue): Promise<string[]> {
  return (await queue.getAll()).map(({ request }) => pathOf(request.url))
}
