import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HoldfastError } from '../protocol/errors.ts'
import type { Link } from '../protocol/link.ts'
import type { DrainResult } from '../protocol/messages.ts'
import type { Mutation } from '../protocol/mutation.ts'
import { openStorage, type Storage } from '../storage/open-storage.ts'
import { createChannel } from '../tabs/channel.ts'
import { createAppend } from './append.ts'
import { changeQueue } from './change-queue.ts'
import type { DeadRecord } from './dead-record.ts'
import { drain } from './drain.ts'
import type { DrainPorts } from './drain-run.ts'
import { LINK_KEY } from './follow-link.ts'
import { type MutationInput, prepareMutation } from './mutation-input.ts'
import { isStopped, pause, resume } from './pause.ts'
import { recover } from './recover.ts'
import { DEFAULT_RETRY } from './retry-policy.ts'
import { DEFAULT_SETTINGS, SETTINGS_KEY } from './settings.ts'
import type { Ending, Settled } from './settle.ts'
import { type SettledRecord, settledKey } from './settled.ts'
import { takeTurn } from './turn.ts'

interface Sent {
  path: string
  key: string
  body: string | undefined
}

/** Answers by path; a function may do anything that a network does. */
type Server = (sent: Sent, attempt: number) => Response | Promise<Response>

let storage: Storage
let ports: DrainPorts
let sent: Sent[]
let clock: number
let server: Server
let online: boolean
let databases = 0

beforeEach(async () => {
  databases += 1
  storage = await openStorage({ name: `drain-${databases}` })
  sent = []
  clock = Date.parse('2026-11-21T12:00:00Z')
  online = true
  server = () => new Response('{}', { status: 200, headers: { 'content-type': 'application/json' } })
  ports = {
    storage,
    channel: createChannel(`drain-${databases}`),
    origin: 'https://app.example',
    now: () => clock,
    random: () => 0.5,
    isOnline: () => online,
    timeout: delayMs => AbortSignal.timeout(delayMs),
    sleep: () => new Promise(() => undefined),
    holder: 'me',
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers)
      const body = init?.body instanceof ArrayBuffer ? new TextDecoder().decode(init.body) : (init?.body as string)
      const one = { path: new URL(String(url)).pathname, key: headers.get('idempotency-key') ?? '', body }
      sent.push(one)
      return server(one, sent.filter(({ path }) => path === one.path).length)
    },
  }
})

afterEach(() => {
  ports.channel.close()
  storage.close()
})

let ids = 0
async function record(...inputs: (MutationInput | string)[]): Promise<string[]> {
  const append = createAppend(storage, { now: () => clock })
  const made: string[] = []
  for (const input of inputs) {
    const whole = typeof input === 'string' ? { url: input } : input
    ids += 1
    const id = `id-${ids}`
    await append(
      await prepareMutation(whole, {
        base: 'https://app.example/',
        now: () => clock,
        newId: () => id,
        retry: DEFAULT_RETRY,
        loadRare: () => import('./rare-input.ts'),
      }),
    )
    made.push(id)
  }
  return made
}

const run = (options: { eager?: boolean; exclusive?: boolean } = {}): Promise<DrainResult> =>
  drain(ports, {
    deadline: clock + 20_000,
    eagerBefore: options.eager ? clock : 0,
    exclusive: options.exclusive ?? true,
  })
const paths = () => sent.map(({ path }) => path)
const queue = async () => (await storage.mutations.range<Mutation>()).sort((a, b) => a.sequence - b.sequence)
const answering = (status: number, headers: Record<string, string> = {}) => new Response(null, { status, headers })
const failing = () => Promise.reject(new TypeError('Failed to fetch'))

describe('delivery', () => {
  it('sends everything once, in the order of the calls, and leaves nothing', async () => {
    await record('/1', '/2', '/3')
    expect(await run()).toMatchObject({ synced: 3, failed: 0, remaining: 0 })
    expect(paths()).toEqual(['/1', '/2', '/3'])
    expect(await run()).toMatchObject({ synced: 0, failed: 0, remaining: 0 })
    expect(sent).toHaveLength(3)
  })

  it('sends the recorded body, headers and the key, quoted', async () => {
    const [id] = await record({ url: '/a', json: { text: 'tide' } })
    await run()
    expect(sent).toEqual([{ path: '/a', key: `"${id}"`, body: '{"text":"tide"}' }])
  })

  it('sends a body that is stored apart, and removes it with its mutation', async () => {
    const large = 'x'.repeat(100_000)
    await record({ url: '/a', body: new Blob([large]) })
    expect(await storage.blobs.count()).toBe(1)
    await run()
    expect(sent[0]?.body).toBe(large)
    expect(await storage.blobs.count()).toBe(0)
  })

  it('keeps the answer for the page that waits for it', async () => {
    const [id = ''] = await record('/a')
    server = () => Response.json({ id: 7 }, { status: 201 })
    await run()
    expect(await storage.meta.getItem(settledKey(id))).toMatchObject({
      settlement: { kind: 'confirmed', status: 201, body: { id: 7 } },
    })
  })

  it('keeps everything while it is paused', async () => {
    await record('/a')
    await pause(storage)
    expect(await run()).toMatchObject({ synced: 0, failed: 0, remaining: 1 })
    await resume(storage)
    expect(await run()).toMatchObject({ synced: 1 })
  })
})

describe('invariant 2: a mutation leaves the queue in the transaction that records its outcome', () => {
  it('is still in the queue while it is on its way', async () => {
    await record('/a')
    let seen: Mutation[] = []
    server = async () => {
      seen = await queue()
      return answering(200)
    }
    await run()
    expect(seen).toMatchObject([{ lease: { holder: 'me', token: 1 } }])
    // An attempt may last until the deadline of its run, and nobody may take it over or cancel it before.
    expect(seen[0]?.lease?.until).toBeGreaterThanOrEqual(clock + 20_000)
  })

  it('is sent again, under the same key, when its sender died with the answer', async () => {
    const [id] = await record('/a')
    let arrived = () => {}
    const reached = new Promise<void>(resolve => {
      arrived = resolve
    })
    server = () => {
      arrived()
      return new Promise(() => undefined)
    }
    void drain({ ...ports, holder: 'killed worker' }, { deadline: clock + 60_000, eagerBefore: 0, exclusive: true })
    await reached
    server = () => answering(200)
    expect(await run()).toMatchObject({ synced: 1, remaining: 0 })
    expect(sent.map(({ key }) => key)).toEqual([`"${id}"`, `"${id}"`])
  })
})

describe('invariant 3: per entity in order, one at a time; others do not wait', () => {
  it('holds an entity back behind its first mutation, and sends the others', async () => {
    await record({ url: '/a1', entity: 'a' }, { url: '/a2', entity: 'a' }, { url: '/b1', entity: 'b' }, '/free')
    server = ({ path }, attempt) => answering(path === '/a1' && attempt === 1 ? 503 : 200)
    expect(await run()).toMatchObject({ synced: 2, remaining: 2 })
    expect(paths()).toEqual(['/a1', '/b1', '/free'])
    clock += 60_000
    expect(await run()).toMatchObject({ synced: 2, remaining: 0 })
    expect(paths().slice(3)).toEqual(['/a1', '/a2'])
  })

  it('looks past more waiting mutations of one entity than it reads at once', async () => {
    await record(...Array.from({ length: 120 }, (_, index) => ({ url: `/a${index}`, entity: 'a' })), '/last')
    server = ({ path }) => answering(path === '/last' ? 200 : 503)
    await run()
    expect(paths()).toEqual(['/a0', '/last'])
  })
})

describe('invariant 4: what always fails blocks its own entity at most, and ends as a dead letter', () => {
  it('buries what the server refuses, with its reason, and goes on', async () => {
    const [id = ''] = await record({ url: '/a', entity: 'a' }, { url: '/b', entity: 'a' })
    const problem = { title: 'Too long', detail: 'A note may have 280 characters.' }
    const headers = { 'content-type': 'application/problem+json' }
    server = ({ path }) =>
      path === '/a' ? new Response(JSON.stringify(problem), { status: 422, headers }) : answering(200)
    expect(await run()).toMatchObject({ synced: 1, failed: 1, remaining: 0 })
    expect(await storage.dead.getItem<DeadRecord>(id)).toMatchObject({
      reason: 'refused',
      status: 422,
      diedAt: clock,
      problem,
      mutation: { id, attempts: 1, lastError: { code: 'status', message: problem.detail } },
    })
    expect(await storage.meta.getItem(settledKey(id))).toMatchObject({ settlement: { kind: 'dead', status: 422 } })
  })

  it('buries what was answered with 503 as often as it may', async () => {
    const [id = ''] = await record({ url: '/a', attempts: 3 })
    server = () => answering(503)
    for (let round = 0; round < 3; round += 1) {
      await run()
      clock += 60_000
    }
    expect(sent).toHaveLength(3)
    expect(await storage.dead.getItem(id)).toMatchObject({ reason: 'attempts-exhausted', status: 503 })
    expect(await storage.mutations.count()).toBe(0)
  })

  it('buries what is too old instead of sending or dropping it', async () => {
    const [id = ''] = await record('/a')
    server = failing
    await run()
    clock += DEFAULT_RETRY.maxAgeMs + 1
    expect(await run()).toMatchObject({ synced: 0, failed: 1, remaining: 0 })
    expect(await storage.dead.getItem(id)).toMatchObject({ reason: 'expired' })
    expect(sent).toHaveLength(1)
  })

  it('tries what was never tried, however old the clock says it is', async () => {
    clock = 0
    await record('/a')
    clock = Date.parse('2026-11-21T12:00:00Z')
    expect(await run()).toMatchObject({ synced: 1, failed: 0 })
  })

  it('buries what has lost its body, and never sends an empty one', async () => {
    const [id = ''] = await record({ url: '/a', body: new Blob(['x'.repeat(100_000)]) })
    await storage.blobs.clear()
    expect(await run()).toMatchObject({ failed: 1 })
    expect(await storage.dead.getItem(id)).toMatchObject({ reason: 'body-lost' })
    expect(sent).toEqual([])
  })
})

describe('invariant 6: whoever lost the lease changes nothing', () => {
  let exclusive = true
  const claimOptions = (holder: string, limit: number) => {
    const bounds = { limit, bytes: 1e6, slots: () => limit }
    return { holder, now: clock, leaseMs: 35_000, ...bounds, isEmptyHanded: true, exclusive, turn: 0 }
  }
  const claim = async (holder: string) => {
    const turn = await takeTurn(storage, { ended: [], returned: [], keep: {}, claim: claimOptions(holder, 1) }, ports)
    const [claimed] = turn.claim.claimed
    if (!claimed) throw new Error('expected a claim')
    return claimed.mutation
  }
  const settle = async (mutation: Mutation, ending: Ending): Promise<Settled | undefined> => {
    const options = { ended: [{ mutation, ending }], returned: [], keep: {}, claim: claimOptions('me', 0) }
    return (await takeTurn(storage, options, ports)).settled[0]
  }

  it('ignores the settlement of a sender whose mutation was taken over', async () => {
    await record('/a')
    const zombie = await claim('zombie')
    await changeQueue(storage, queue =>
      recover(queue, { now: clock, exclusive: true, eagerBefore: 0, lastDrainAt: 0, random: () => 0.5 }),
    )
    const heir = await claim('heir')
    const confirmed = { kind: 'confirmed', status: 200, headers: {}, body: undefined } as const
    const refused = { kind: 'refused', status: 422, message: 'no', costsAttempt: true, uncertain: false } as const
    expect(await settle(zombie, refused)).toEqual({ kind: 'lost' })
    expect(await queue()).toMatchObject([{ fence: 2, lease: { holder: 'heir', token: 2 } }])
    expect(await settle(heir, confirmed)).toEqual({ kind: 'confirmed' })
    expect(await settle(zombie, confirmed)).toEqual({ kind: 'lost' })
    expect(await storage.dead.count()).toBe(0)
  })

  it('does not give back what another holds by now', async () => {
    await record('/a')
    const zombie = await claim('zombie')
    await changeQueue(storage, queue =>
      recover(queue, { now: clock, exclusive: true, eagerBefore: 0, lastDrainAt: 0, random: () => 0.5 }),
    )
    await claim('heir')
    await takeTurn(
      storage,
      { ended: [], returned: [{ mutation: zombie }], keep: {}, claim: claimOptions('zombie', 1) },
      ports,
    )
    expect(await queue()).toMatchObject([{ lease: { holder: 'heir', token: 2 } }])
  })

  it('leaves the lease of another alone without the lock, until it has run out', async () => {
    await record('/a')
    await claim('other')
    expect(await run({ exclusive: false })).toMatchObject({ synced: 0, remaining: 1 })
    expect(sent).toEqual([])
    clock += 35_001
    expect(await run({ exclusive: false })).toMatchObject({ synced: 1, remaining: 0 })
  })

  it('takes over at once, with the lock, what was leased under it; and what was leased without it when its time is up', async () => {
    await record('/a', '/b')
    await claim('dead')
    exclusive = false
    await claim('alive')
    expect(await run()).toMatchObject({ synced: 1, remaining: 1 })
    expect(paths()).toEqual(['/a'])
    clock += 35_001
    expect(await run()).toMatchObject({ synced: 1, remaining: 0 })
  })
})

describe('invariant 8: offline costs no attempts, and Retry-After is a floor', () => {
  it('gives up what is on its way when the network is lost, so that it goes again at once when the network is back', async () => {
    await record('/a')
    let lose = () => {}
    ports.onOffline = fn => {
      lose = fn
    }
    ports.fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
        lose()
      })
    expect(await run()).toMatchObject({ synced: 0, remaining: 1 })
    expect(await queue()).toMatchObject([{ attempts: 0, lastError: { code: 'network' } }])
    clock += 1
    expect(await run({ eager: true })).toMatchObject({ remaining: 1 })
  })

  it('stops at the first network failure when the device is offline', async () => {
    await record('/a', '/b')
    online = false
    server = failing
    expect(await run()).toMatchObject({ synced: 0, failed: 0, remaining: 2 })
    expect(paths()).toEqual(['/a'])
    expect(await queue()).toMatchObject([{ attempts: 0, lastError: { code: 'network' } }, { attempts: 0 }])
  })

  it('never buries for want of a network, however often it tries', async () => {
    await record('/a')
    server = failing
    for (let round = 0; round < 50; round += 1) {
      await run({ eager: true })
      clock += 100_000
    }
    expect(sent).toHaveLength(50)
    expect(await queue()).toMatchObject([{ attempts: 0, failures: 50 }])
  })

  it('leaves an origin alone after two failures in a row, and asks the other origins all the same', async () => {
    const down = ['https://down.example/1', 'https://down.example/2', 'https://down.example/3']
    await record(...down, 'https://up.example/4')
    server = ({ path }) => (path === '/4' ? answering(200) : failing())
    expect(await run()).toMatchObject({ synced: 1, remaining: 3, nextAttemptAt: clock + 500 })
    expect(paths().sort()).toEqual(['/1', '/2', '/4'])
  })

  it('says when an origin that was left alone may be asked again, also when that time has come meanwhile', async () => {
    await record('https://down.example/1', 'https://down.example/2', 'https://up.example/3')
    const startedAt = clock
    server = ({ path }) => {
      if (path !== '/3') return failing()
      clock += 5_000
      return answering(200)
    }
    const { nextAttemptAt, ...result } = await run()
    expect(result).toMatchObject({ synced: 1, failed: 0, remaining: 2 })
    expect(nextAttemptAt).toBeGreaterThan(startedAt)
    expect(nextAttemptAt).toBeLessThanOrEqual(clock + 1_000)
  })

  it('does not let one mutation that always fails hold up the others of its origin', async () => {
    await record('/poison', '/1', '/2', '/3')
    server = ({ path }) => (path === '/poison' ? failing() : answering(200))
    expect(await run()).toMatchObject({ synced: 3, remaining: 1 })
    expect(paths()).toEqual(['/poison', '/1', '/2', '/3'])
  })

  it('waits for the backoff, but not when the network is said to be back', async () => {
    await record('/a')
    server = failing
    await run()
    clock += 100
    await run()
    expect(sent).toHaveLength(1)
    await run({ eager: true })
    expect(sent).toHaveLength(2)
  })

  it('does not let a sign of network shorten the wait that a server asked for', async () => {
    await record('/a')
    server = () => answering(503, { 'retry-after': '120' })
    expect(await run()).toMatchObject({ nextAttemptAt: clock + 120_000 })
    clock += 119_999
    await run({ eager: true })
    expect(sent).toHaveLength(1)
    // Its clients come back spread over a little more than the time that it named.
    clock += 1 + 5_000
    await run()
    expect(sent).toHaveLength(2)
  })

  it('is not stalled by a clock that was set back', async () => {
    await record('/a')
    server = () => answering(503, { 'retry-after': '60' })
    await run()
    clock -= 24 * 60 * 60 * 1000
    server = () => answering(200)
    expect(await run()).toMatchObject({ synced: 1 })
  })
})

describe('invariant 12: 401 holds the queue, and burns no attempts', () => {
  it('sends nothing more until resume(), and then the same again', async () => {
    await record('/1', '/2', '/3')
    server = () => answering(401)
    expect(await run()).toMatchObject({ synced: 0, failed: 0, remaining: 3 })
    expect(paths()).toEqual(['/1'])
    expect(await isStopped(storage)).toBe(true)
    expect(await run({ eager: true })).toMatchObject({ synced: 0, remaining: 3 })
    expect(paths()).toEqual(['/1'])
    expect(await queue()).toMatchObject([{ attempts: 0, lastError: { status: 401 } }, {}, {}])

    server = () => answering(200)
    await resume(storage)
    expect(await run()).toMatchObject({ synced: 3, remaining: 0 })
    expect(sent[1]).toEqual(sent[0])
  })
})

it('makes a dead letter of a conflict, with its reason', async () => {
  const [id = ''] = await record('/a')
  server = () => answering(412)
  expect(await run()).toMatchObject({ failed: 1, remaining: 0 })
  expect(await storage.dead.getItem(id)).toMatchObject({ reason: 'conflict', status: 412 })
})

it('begins nothing after its deadline', async () => {
  await record('/1', '/2')
  server = () => {
    clock += 30_000
    return answering(200)
  }
  expect(await run()).toMatchObject({ synced: 1, remaining: 1 })
})

it('asks a server that is down twice per delay, and not once per mutation and run', async () => {
  await record(...Array.from({ length: 20 }, (_, index) => `/${index}`))
  server = failing
  for (let round = 0; round < 20; round += 1) {
    await run()
    clock += 100
  }
  // Delays of 500, 1000 and 2000 ms in two seconds.
  expect(sent.length).toBeLessThanOrEqual(6)
})

it('takes what is recorded, or falls due, while another attempt hangs', async () => {
  let finish = () => {}
  server = ({ path }) => {
    if (path !== '/hangs') return answering(200)
    return new Promise(resolve => {
      finish = () => resolve(answering(200))
    })
  }
  let wake = () => {}
  const sleep = () =>
    new Promise<void>(resolve => {
      wake = resolve
    })
  await record('/first', '/hangs', { url: '/later', notBefore: new Date(clock + 5_000) })
  const drained = drain({ ...ports, sleep }, { deadline: clock + 60_000, eagerBefore: 0, exclusive: true })
  await expect.poll(paths).toEqual(['/first', '/hangs'])
  await record('/new')
  ports.channel.post('appended', { ids: ['new'] })
  await expect.poll(paths).toEqual(['/first', '/hangs', '/new'])
  clock += 5_000
  wake()
  await expect.poll(paths).toEqual(['/first', '/hangs', '/new', '/later'])
  finish()
  expect(await drained).toMatchObject({ synced: 4, remaining: 0 })
})

it('leaves nothing on its way when a turn cannot be recorded, and sends it again under the same key', async () => {
  await record('/0', '/1', '/2', '/3')
  let aborted = 0
  const pending: (() => void)[] = []
  const fetch: DrainPorts['fetch'] = async (url, init) => {
    const path = new URL(String(url)).pathname
    sent.push({ path, key: new Headers(init?.headers).get('idempotency-key') ?? '', body: undefined })
    if (path === '/0') return answering(200)
    return new Promise((resolve, reject) => {
      pending.push(() => resolve(answering(200)))
      init?.signal?.addEventListener('abort', () => {
        aborted += 1
        reject(init.signal?.reason)
      })
    })
  }
  let isBroken = false
  const transact: Storage['transact'] = (...args) => {
    return isBroken ? Promise.reject(new Error('the disk is gone')) : storage.transact(...args)
  }
  const breaking = { ...ports, fetch, storage: { ...storage, transact } }
  const drained = drain(breaking, { deadline: clock + 20_000, eagerBefore: 0, exclusive: true })
  await expect.poll(() => pending.length).toBe(3)
  isBroken = true
  pending[0]?.()
  await expect(drained).rejects.toThrow('the disk is gone')
  expect(aborted).toBeGreaterThanOrEqual(2)

  const before = sent.splice(0)
  expect(await run()).toMatchObject({ synced: 3, remaining: 0 })
  expect(sent.map(({ key }) => key).sort()).toEqual(
    before
      .slice(1)
      .map(({ key }) => key)
      .sort(),
  )
})

it('makes room on a device that is full: the end of a write is recorded without its answer', async () => {
  const [id = ''] = await record('/a', '/b')
  server = () => Response.json({ id: 7 })
  const transact: Storage['transact'] = (stores, mode, work, options) =>
    storage.transact(
      stores,
      mode,
      async tx => {
        const result = await work(tx)
        const kept =
          mode === 'readwrite' ? await tx.objectStore('meta' as never).get(settledKey(id) as never) : undefined
        if (hasBody(kept)) throw quotaError()
        return result
      },
      options,
    )
  const full = { ...ports, storage: { ...storage, transact } }
  const result = await drain(full, { deadline: clock + 20_000, eagerBefore: 0, exclusive: true })
  expect(result).toMatchObject({ synced: 2, remaining: 0 })
  expect(sent).toHaveLength(2)
  expect(await storage.meta.getItem(settledKey(id))).toMatchObject({ settlement: { kind: 'confirmed', status: 200 } })
})

function hasBody(record: SettledRecord | undefined): boolean {
  return record?.settlement.kind === 'confirmed' && record.settlement.body !== undefined
}

function quotaError(): HoldfastError {
  const text = { action: 'write', reason: 'the device is full', hint: 'Free space.' }
  return new HoldfastError({ code: 'quota-exceeded', ...text })
}

it('takes an attempt that was cut off as one that may have arrived', async () => {
  await record('/a')
  server = () => Promise.reject(new DOMException('late', 'TimeoutError'))
  await run()
  expect(await queue()).toMatchObject([{ attempts: 0, lastError: { code: 'timeout' } }])
})

it('sends nothing of what a newer version of the app may have recorded, and says so', async () => {
  await record('/a')
  await storage.meta.setItem(SETTINGS_KEY, { ...DEFAULT_SETTINGS, version: 2 })
  await expect(run()).rejects.toMatchObject({ code: 'outdated', message: expect.stringContaining('Reload the page') })
  expect(sent).toEqual([])
  expect(await queue()).toMatchObject([{ attempts: 0 }])
})

it('keeps a large body back on a slow link where the app says so, and sends it when the link is better', async () => {
  const pace = { ...DEFAULT_SETTINGS.pace, onSlowLink: { ...DEFAULT_SETTINGS.pace.onSlowLink, mostBytes: 100 } }
  await storage.meta.setItem(SETTINGS_KEY, { ...DEFAULT_SETTINGS, pace })
  const link: Link = { online: true, quality: 'slow', saveData: false, measuredAt: clock }
  await storage.meta.setItem(LINK_KEY, link)
  await record({ url: '/large', json: 'x'.repeat(200) }, { url: '/small', json: 1 })
  expect(await run()).toMatchObject({ synced: 1, remaining: 1, nextAttemptAt: clock + 60_000 })
  expect(paths()).toEqual(['/small'])
  clock += 60_000
  await storage.meta.setItem(LINK_KEY, { ...link, quality: 'fast', measuredAt: clock })
  expect(await run()).toMatchObject({ synced: 1, remaining: 0 })
  expect(paths()).toEqual(['/small', '/large'])
})
