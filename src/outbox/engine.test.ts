/** What goes wrong only where several parts of the engine meet: a run, its pace, its clock, its user, its storage. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HoldfastError } from '../protocol/errors.ts'
import { placeOf } from '../protocol/queue-range.ts'
import { createAppend } from './append.ts'
import { ofNobody } from './append-context.ts'
import { changeQueue } from './change-queue.ts'
import { drain } from './drain.ts'
import { createEngine, type Engine, OWN_ORIGIN } from './engine.fixture.ts'
import { type PreparedMutation, prepareMutation } from './mutation-input.ts'
import { HELD_KEY } from './pause.ts'
import { browserPlatform } from './platform.ts'
import { identify } from './principal.ts'
import { recover } from './recover.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'
import { createRunAuth } from './run-auth.ts'
import { DEFAULT_SETTINGS, SETTINGS_KEY } from './settings.ts'
import { SETTLED_PREFIX } from './settled.ts'

const HANG = 'https://hang.example'

let engine: Engine

beforeEach(async () => {
  engine = await createEngine()
})

afterEach(() => {
  vi.unstubAllGlobals()
  engine.close()
})

const answering = (status: number, headers: Record<string, string> = {}) => new Response(null, { status, headers })
const pace = (changes: Partial<typeof DEFAULT_SETTINGS.pace>) =>
  engine.settings({ pace: { ...DEFAULT_SETTINGS.pace, ...changes } })
const failing = () => Promise.reject(new TypeError('Failed to fetch'))
const later = (ms: number) => engine.time.set(engine.time.now() + ms)
const many = (count: number, origin = OWN_ORIGIN) =>
  engine.record(...Array.from({ length: count }, (_, index) => `${origin}/${index}`))
const leases = async () => (await engine.queue()).filter(({ key }) => placeOf(key) === 'sending')

/** What a context that is not a test would do with the event loop: ends it after so long. */
const within = <T>(ms: number, work: Promise<T>) =>
  Promise.race([work, new Promise<'not ended'>(resolve => setTimeout(resolve, ms, 'not ended'))])

describe('a run that sends nothing says all the same what waits', () => {
  it('where it got the lock in the last second of its event', async () => {
    await engine.record('/a')
    const result = await engine.drain({ deadline: engine.time.now() + 500 })
    expect(engine.sent).toEqual([])
    expect(result.remaining).toBe(1)
  })

  it('where a retry is due in the last second of the event: the browser must not take the sync for done', async () => {
    await engine.record('/a')
    engine.answer = () => answering(503, { 'retry-after': '19' })
    engine.ports.random = () => 0
    const result = await engine.drainFor({ budgetMs: 19_900, eager: false })
    expect(await engine.queue()).toHaveLength(1)
    expect(result.remaining).toBe(1)
  })

  it('where its context must stop', async () => {
    await engine.record('/a')
    const result = await engine.drain({ ports: { signal: AbortSignal.abort() } })
    expect(result.remaining).toBe(1)
  })
})

describe('after identify()', () => {
  it('a 401 to the one before does not hold the queue of the one who signed in', async () => {
    await identify(engine.storage, 'A')
    await engine.recordFor({ principal: 'A' }, '/a')
    await engine.recordFor({ principal: 'B' }, '/b')
    engine.answer = async ({ path }) => {
      if (path === '/b') return answering(200)
      await engine.time.busy(engine.identify('B'))
      return answering(401)
    }
    await engine.drain()
    expect(await engine.meta(HELD_KEY)).toBeUndefined()
    await engine.drain()
    expect(engine.paths()).toEqual(['/a', '/b'])
  })

  it('nothing of the one before is sent again with the headers of the one who signed in', async () => {
    await engine.settings({ auth: 'session' })
    await identify(engine.storage, 'A')
    await engine.recordFor({ principal: 'A' }, '/a')
    let user = 'A'
    engine.answer = ({ headers }) => answering(headers.get('authorization') === 'A' ? 401 : 200)
    const session = {
      headers: () => ({ authorization: user }),
      async refresh() {
        // A has signed out meanwhile, and B has signed in.
        user = 'B'
        await engine.time.busy(engine.identify('B'))
        return true
      },
    }
    await engine.drain({ ports: { handlers: { auth: { session } } } })
    const asB = engine.sent.filter(({ path, headers }) => path === '/a' && headers.get('authorization') === 'B')
    expect(asB).toEqual([])
    expect(await engine.queue()).toMatchObject([{ principal: 'A', attempts: 0 }])
  })

  it('what is at hand goes back also where no message came: the claim has read who it is', async () => {
    await identify(engine.storage, 'A')
    await engine.recordFor({ principal: 'A' }, ...Array.from({ length: 20 }, (_, index) => `/a${index}`))
    let named = 0
    engine.answer = async ({ path }) => {
      await engine.time.sleep(50)
      // As `introduce()` does in a page that opens with another principal, or from a page whose message is still on its way.
      if (path === '/a3') {
        await engine.time.busy(identify(engine.storage, 'B'))
        named = engine.time.now()
      }
      return answering(200)
    }
    await engine.drain()
    // What leaves at that very moment cannot know; the turn that follows does.
    expect(engine.sent.filter(({ at }) => at > named)).toEqual([])
  })

  it('a write is of the one who made it, whoever is named before it is on the disk', async () => {
    let principal: string | undefined = 'A'
    const append = createAppend(engine.storage, { context: () => ({ ...ofNobody(), principal }) })
    const ports = { base: OWN_ORIGIN, now: engine.time.now, retry: DEFAULT_RETRY, loadRare: () => Promise.reject() }
    const prepared = ['1', '2'].map(id => prepareMutation({ url: `/${id}` }, { ...ports, newId: () => id }))
    const done = Promise.all(prepared.map(one => append(one as PreparedMutation)))
    principal = 'B'
    await done
    expect(await engine.queue()).toMatchObject([{ principal: 'A' }, { principal: 'A' }])
  })
})

describe('an auth provider that never answers is given up with its event', () => {
  it('in headers()', async () => {
    await engine.settings({ auth: 'slow' })
    await engine.record('/a')
    const slow = { headers: () => new Promise<never>(() => undefined) }
    const deadline = engine.time.now() + 20_000
    const drained = engine.drain({ deadline, ports: { handlers: { auth: { slow } } } })
    expect(await within(5_000, drained)).toMatchObject({ synced: 0, remaining: 1 })
  })

  it('in refresh()', async () => {
    await engine.settings({ auth: 'slow' })
    await engine.record('/a')
    engine.answer = () => answering(401)
    const slow = { headers: () => undefined, refresh: () => new Promise<never>(() => undefined) }
    const deadline = engine.time.now() + 20_000
    const drained = engine.drain({ deadline, ports: { handlers: { auth: { slow } } } })
    expect(await within(5_000, drained)).toMatchObject({ synced: 0, remaining: 1 })
  })
})

describe('a run does not spin', () => {
  it('where a mutation is due in more than 24.8 days, which is more than setTimeout() can count', async () => {
    vi.stubGlobal('location', { origin: OWN_ORIGIN })
    vi.stubGlobal('navigator', { onLine: true })
    const notBefore = new Date(engine.time.now() + 40 * 24 * 60 * 60 * 1000)
    await engine.record('/slow', { url: '/later', notBefore })
    engine.answer = async () => {
      // Turns of the event loop in which a drain that spins would begin one transaction after the other.
      for (let turn = 0; turn < 100; turn += 1) await new Promise(resolve => setTimeout(resolve))
      return answering(200)
    }
    const startedAt = Date.now()
    const now = () => engine.time.now() + Date.now() - startedAt
    const { sleep } = browserPlatform()
    const timeout = (ms: number) => AbortSignal.timeout(ms)
    const before = engine.transactions
    const options = { deadline: now() + 20_000, eagerBefore: 0, exclusive: true }
    await drain({ ...engine.ports, now, sleep, timeout }, options)
    expect(engine.transactions - before).toBeLessThan(10)
  })

  it('where the device has no room for a lease: it says so', async () => {
    await engine.record('/a', '/b')
    const { transact } = engine.storage
    let turns = 0
    const full: typeof transact = (stores, mode, work, options) =>
      transact(
        stores,
        mode,
        async tx => {
          const result = await work(tx)
          turns += 1
          if (turns > 50) throw new Error('it spins')
          const keys = (await tx.objectStore('mutations' as never).getAllKeys()) as string[]
          if (keys.some(key => placeOf(key) === 'sending')) throw quotaError()
          return result
        },
        options,
      )
    const drained = engine.drain({ ports: { storage: { ...engine.storage, transact: full } } })
    const code = await drained.catch((error: HoldfastError) => error.code)
    expect(turns).toBeLessThan(10)
    expect(code).toBe('quota-exceeded')
  })
})

describe('an origin that hangs keeps no other waiting', () => {
  it('where it is first, and an event lasts 20 seconds', async () => {
    await many(10, HANG)
    await engine.record('/mine')
    engine.answer = ({ origin }) => (origin === HANG ? new Promise<never>(() => undefined) : answering(200))
    // Five minutes of events, as the timer of an open page has the worker look again.
    for (let event = 0; event < 10 && !engine.paths().includes('/mine'); event += 1) {
      await engine.drainFor({ budgetMs: 20_000, eager: false })
      later(10_000)
    }
    expect(engine.paths()).toContain('/mine')
  })

  it('where it is first, within one event', async () => {
    await many(3, HANG)
    await engine.record('/mine')
    const startedAt = engine.time.now()
    engine.answer = ({ origin }) => (origin === HANG ? new Promise<never>(() => undefined) : answering(200))
    await engine.drain()
    const mine = engine.sent.find(({ path }) => path === '/mine')
    expect((mine?.at ?? Number.POSITIVE_INFINITY) - startedAt).toBeLessThan(20_000)
  })
})

describe("onUncertain 'hold' asks nobody about what has certainly not left the device", () => {
  it('where there was no network when the attempt began', async () => {
    await engine.record({ url: '/a', onUncertain: 'hold' })
    engine.isOnline = false
    engine.answer = failing
    // As a worker does when it starts.
    await engine.drainFor({ budgetMs: 20_000, eager: true })
    const [waiting] = await engine.queue()
    expect(waiting?.held).toBeUndefined()
  })

  it('where the worker was killed while it was at hand, and another one under way', async () => {
    await engine.record('/first', { url: '/hold', onUncertain: 'hold' })
    await engine.drainAndDie()
    expect(engine.paths()).toEqual(['/first'])
    engine.answer = () => answering(200)
    expect(await engine.drain()).toMatchObject({ synced: 2, remaining: 0 })
  })
})

describe('a run that ends for want of time', () => {
  it('says that it is to go on when its event is over', async () => {
    await many(50)
    await engine.settings({ pace: { ...DEFAULT_SETTINGS.pace, concurrency: { min: 1, max: 1 } } })
    engine.answer = async () => {
      await engine.time.sleep(1_000)
      return answering(200)
    }
    const deadline = engine.time.now() + 20_000
    const result = await engine.drain({ deadline })
    expect(result.remaining).toBeGreaterThan(20)
    // Not before the deadline, or `drainFor` would spin until then.
    expect(result.nextAttemptAt).toBeGreaterThanOrEqual(deadline)
    expect(result.nextAttemptAt).toBeLessThanOrEqual(deadline + 1_000)
  })
})

describe('pace.delayMs', () => {
  it('does not end a run that has more to send', async () => {
    await engine.settings({ pace: { ...DEFAULT_SETTINGS.pace, delayMs: 100 } })
    await many(20)
    expect(await engine.drainFor({ budgetMs: 120_000, eager: true, once: true })).toMatchObject({ remaining: 0 })
  })
})

describe('a Retry-After that is mistaken', () => {
  for (const value of ['31536000', '99999999999', '9'.repeat(400)]) {
    it(`of ${value.slice(0, 12)} seconds: after a day it is asked again, as its origin is`, async () => {
      const [id = ''] = await engine.record('/a')
      engine.answer = () => answering(503, { 'retry-after': value })
      const result = await engine.drain()
      const day = engine.time.now() + 24 * 60 * 60 * 1000
      expect((await engine.find(id))?.nextAttemptAt).toBeLessThanOrEqual(day)
      expect(result.nextAttemptAt).toBeLessThanOrEqual(day + 10_000)
    })
  }
})

describe('a refresh() that fails', () => {
  it('is asked once for all that were under way', async () => {
    let refreshes = 0
    const refresh = () => {
      refreshes += 1
      return false
    }
    const auth = createRunAuth({ headers: () => undefined, refresh }, OWN_ORIGIN)
    const sentWith = auth.generation()
    expect(await auth.hasNewer({ generation: sentWith }, new AbortController().signal)).toBe(false)
    expect(await auth.hasNewer({ generation: sentWith }, new AbortController().signal)).toBe(false)
    expect(refreshes).toBe(1)
  })
})

describe('a clock that ticks between any two looks at it', () => {
  it('leaves neither a lease behind, nor something to send without a word of when', async () => {
    const stuck: unknown[] = []
    for (let round = 0; round < 60 && stuck.length === 0; round += 1) {
      engine.close()
      engine = await createEngine()
      await many(12)
      // The last few of a quota: one every few milliseconds.
      engine.answer = () => answering(200, { ratelimit: '"d";r=9;t=1', 'ratelimit-policy': '"d";q=10;w=1' })
      const start = engine.time.now()
      let looks = 0
      const now = () => Math.max(engine.time.now(), start) + Math.floor(looks++ * (1 + round / 3))
      const ports = { now, sleep: async () => undefined }
      const result = await engine.drain({ ports, deadline: start + 100_000 })
      if (result.remaining > 0 && result.nextAttemptAt === undefined) stuck.push({ round, ...result })
      stuck.push(...(await leases()))
    }
    expect(stuck).toEqual([])
  })
})

describe('the answers that are kept are bounded', () => {
  const kept = async () => (await engine.storage.meta.keys()).filter(key => key.startsWith(SETTLED_PREFIX)).length

  it('where one run settles hundreds', async () => {
    await engine.settings({ answers: { ...DEFAULT_SETTINGS.answers, count: 10 } })
    await many(600)
    await engine.drain()
    expect(await kept()).toBeLessThanOrEqual(10)
  })

  it('where nothing is ever confirmed', async () => {
    await engine.settings({ answers: { ...DEFAULT_SETTINGS.answers, count: 10 } })
    await many(30)
    engine.answer = () => answering(422)
    await engine.drain()
    expect(await kept()).toBeLessThanOrEqual(10)
  })
})

describe('an answer that comes at the very end of the time', () => {
  it('holds for its whole origin, if it says Retry-After', async () => {
    await engine.record('/1', '/2')
    const deadline = engine.time.now() + 20_000
    engine.answer = () => {
      engine.time.set(deadline)
      return answering(429, { 'retry-after': '600' })
    }
    await engine.drain({ deadline })
    engine.answer = () => answering(200)
    await engine.drain()
    expect(engine.paths()).toEqual(['/1'])
  })
})

describe('a low priority', () => {
  it('has its turn also where each run sends fewer than eight', async () => {
    await engine.settings({ pace: { ...DEFAULT_SETTINGS.pace, concurrency: { min: 1, max: 1 } } })
    await engine.record({ url: '/low', priority: -1 })
    engine.answer = async () => {
      await engine.time.sleep(5_000)
      return answering(200)
    }
    for (let event = 0; event < 20 && !engine.paths().includes('/low'); event += 1) {
      await engine.record(...Array.from({ length: 5 }, () => ({ url: '/high', priority: 1 })))
      await engine.drainFor({ budgetMs: 20_000, eager: false })
    }
    expect(engine.paths()).toContain('/low')
  })
})

describe('settings that an older page wrote', () => {
  it('are enough for a newer worker', async () => {
    const { answers: _notYet, key: _neither, ...older } = DEFAULT_SETTINGS
    await engine.storage.meta.setItem(SETTINGS_KEY, older)
    await engine.record('/a')
    expect(await engine.drain()).toMatchObject({ synced: 1 })
  })
})

describe('a judge that throws', () => {
  it('does no harm where there is no reportError()', async () => {
    vi.stubGlobal('reportError', undefined)
    await engine.settings({ judge: 'mine' })
    await engine.record('/a')
    const mine = () => {
      throw new Error('a bug in the app')
    }
    expect(await engine.drain({ ports: { handlers: { judges: { mine } } } })).toMatchObject({ synced: 1 })
  })
})

describe('what is interrupted again and again', () => {
  it('waits for its backoff, from the second time on', async () => {
    await engine.record('/a')
    await engine.drainAndDie()
    // Once is bad luck.
    await engine.drainAndDie()
    const { nextAttemptAt } = await engine.drain()
    expect(engine.sent).toHaveLength(2)
    expect((await engine.queue())[0]?.failures).toBe(2)
    expect(nextAttemptAt).toBeGreaterThan(engine.time.now())
  })
})

describe('a message that comes while a turn is under way', () => {
  it('is not forgotten', async () => {
    await engine.record('/first')
    const { transact } = engine.storage
    let isRecorded = false
    const telling: typeof transact = async (stores, mode, work, options) => {
      const result = await transact(stores, mode, work, options)
      if (engine.sent.length === 1 && !isRecorded) {
        isRecorded = true
        // Its transaction was the next one, and its message is quicker than the end of ours.
        await engine.record('/second')
        engine.ports.channel.post('appended', { ids: [] })
      }
      return result
    }
    expect(await engine.drain({ ports: { storage: { ...engine.storage, transact: telling } } })).toMatchObject({
      synced: 2,
    })
  })
})

describe('without Web Locks', () => {
  it('a run says when the lease of a dead sender runs out', async () => {
    await engine.record('/a')
    await engine.drainAndDie()
    const result = await engine.drain({ exclusive: false })
    expect(result.remaining).toBe(1)
    expect(result.nextAttemptAt).toBeLessThanOrEqual(engine.time.now() + 160_000)
  })
})

describe('identify() with a name that is no well-formed text', () => {
  it('is refused, and stops no drain', async () => {
    await engine.record('/a')
    await identify(engine.storage, '\ud800').catch(() => undefined)
    await expect(engine.drain()).resolves.toBeDefined()
  })
})

describe('a refresh() that the end of its event cuts off', () => {
  it('holds nothing: whether a person has to act is not known', async () => {
    await engine.settings({ auth: 'session' })
    await engine.record('/a')
    let token = 'old'
    engine.answer = ({ headers }) => answering(headers.get('authorization') === 'new' ? 200 : 401)
    const session = {
      headers: () => ({ authorization: token }),
      async refresh() {
        await engine.time.sleep(5_000)
        token = 'new'
        return true
      },
    }
    const handlers = { auth: { session } }
    await engine.drain({ deadline: engine.time.now() + 2_000, ports: { handlers } })
    expect(await engine.meta(HELD_KEY)).toBeUndefined()
    expect(await engine.queue()).toMatchObject([{ attempts: 0 }])
    engine.time.set(engine.time.now() + 60_000)
    expect(await engine.drain({ ports: { handlers } })).toMatchObject({ synced: 1 })
  })
})

describe("onUncertain 'hold' keeps for a person", () => {
  it('what went in a batch whose sender was killed in the middle', async () => {
    await pace({ endpoint: 'https://app.example/batch' })
    await engine.record('/first')
    await engine.drain()
    engine.sent = []
    await engine.record({ url: '/a', onUncertain: 'hold' }, { url: '/b', onUncertain: 'hold' })
    // The first goes alone, until a server has answered; the others together.
    await engine.drainAndDie()
    const gone = engine.sent.length
    engine.answer = () => answering(200)
    await engine.drain()
    const held = (await engine.queue()).filter(mutation => mutation.held)
    expect(gone).toBeGreaterThan(0)
    expect(held.length).toBeGreaterThan(0)
  })

  it('and is not sent by whoever lost the lease before the request left', async () => {
    await engine.record({ url: '/a', onUncertain: 'hold' })
    const { transact } = engine.storage
    let transactions = 0
    const stolen: typeof transact = async (...args) => {
      transactions += 1
      // After the claim, and before the note that the request leaves: a frozen context whose lock was given to another.
      if (transactions === 3) {
        const ports = {
          now: engine.time.now() + 600_000,
          random: () => 0,
          exclusive: true,
          eagerBefore: 0,
          lastDrainAt: 0,
        }
        await changeQueue({ transact }, queue => recover(queue, ports))
      }
      return transact(...args)
    }
    await engine.drain({ ports: { storage: { ...engine.storage, transact: stolen } } })
    expect(transactions).toBeGreaterThanOrEqual(3)
    // Whoever took it over sends it; this one must not.
    expect(engine.sent.length).toBeLessThanOrEqual(1)
  })
})

describe('a batch that falls apart', () => {
  it('sends nothing more for the one before after identify()', async () => {
    await pace({ endpoint: 'https://app.example/batch' })
    await identify(engine.storage, 'A')
    await engine.recordFor({ principal: 'A' }, ...Array.from({ length: 9 }, (_, index) => `/a${index}`))
    let named = Number.POSITIVE_INFINITY
    engine.answer = async ({ path }) => {
      await engine.time.sleep(50)
      // Too large: it is halved, and halved again.
      if (path === '/batch') return answering(413)
      if (named === Number.POSITIVE_INFINITY && engine.sent.length > 4) {
        named = engine.sent.length
        await engine.time.busy(engine.identify('B'))
      }
      return answering(200)
    }
    await engine.drain()
    expect(engine.paths()).toContain('/batch')
    expect(named).toBeLessThan(10)
    expect(engine.sent.slice(named).map(({ path }) => path)).toEqual([])
  })
})

describe('pace.delayMs, from one run to the next', () => {
  it('is a rest all the same', async () => {
    await pace({ delayMs: 1_000 })
    for (const path of ['/1', '/2', '/3']) {
      await engine.record(path)
      await engine.drainFor({ budgetMs: 20_000, eager: false })
    }
    const [first = 0, second = 0, third = 0] = engine.sent.map(({ at }) => at)
    expect([second - first, third - second]).toEqual([1_000, 1_000])
  })
})

describe('a refresh() that failed for the one before', () => {
  it('is asked again for the one who signed in within the same run', async () => {
    await engine.settings({ auth: 'session' })
    await identify(engine.storage, 'A')
    await engine.recordFor({ principal: 'A' }, '/a')
    await engine.recordFor({ principal: 'B' }, '/b')
    let user = 'A'
    let token = 'old'
    engine.answer = async ({ path }) => {
      if (path === '/a') {
        user = 'B'
        await engine.time.busy(engine.identify('B'))
        return answering(401)
      }
      return answering(token === 'new' ? 200 : 401)
    }
    const session = {
      headers: () => ({ authorization: token }),
      refresh({ principal }: { principal?: string } = {}) {
        // A is signed out: there is nothing to refresh for the write of A.
        if (engine.paths().at(-1) === '/a') return false
        token = 'new'
        return user === 'B' && principal !== 'A'
      },
    }
    await engine.drain({ ports: { handlers: { auth: { session } } } })
    expect(await engine.meta(HELD_KEY)).toBeUndefined()
    expect(engine.paths()).toEqual(['/a', '/b', '/b'])
  })
})

function quotaError(): HoldfastError {
  const text = { action: 'write', reason: 'the device is full', hint: 'Free space.' }
  return new HoldfastError({ code: 'quota-exceeded', ...text })
}
