import { expect, it } from 'vitest'
import { createVirtualTime } from '../../outbox/virtual-time.fixture.ts'
import type { Probe } from './probe.ts'
import { runProbe } from './run-probe.ts'

const never = new Promise<never>(() => {})

function setUp(answer: (time: ReturnType<typeof createVirtualTime>) => Promise<Response>, probe: Partial<Probe> = {}) {
  const time = createVirtualTime(0)
  const controller = new AbortController()
  const calls: [url: unknown, init: RequestInit | undefined][] = []
  const ports = {
    fetch: async (url: unknown, init?: RequestInit) => {
      calls.push([url, init])
      return answer(time)
    },
    monotonic: time.now,
    sleep: time.sleep,
  }
  const whole: Probe = { url: '/sw.js', timeoutMs: 5_000, accepts: () => true, ...probe }
  const run = () => time.drive(runProbe(ports, whole, controller.signal))
  return { run, time, calls, controller }
}

it('asks by HEAD, past every cache, without credentials, and follows no redirect', async () => {
  const { run, calls } = setUp(async () => new Response(null))
  expect(await run()).toEqual({ kind: 'reached', latencyMs: 0 })
  expect(calls).toEqual([['/sw.js', expect.objectContaining(HEAD)]])
})

const HEAD = { method: 'HEAD', cache: 'no-store', redirect: 'manual', credentials: 'omit' }

it('measures until the answer came, and not how long it was judged', async () => {
  const { run, time } = setUp(
    async () => {
      await time.sleep(120)
      return new Response(null)
    },
    {
      accepts: async () => {
        await time.sleep(1_000)
        return true
      },
    },
  )
  expect(await run()).toEqual({ kind: 'reached', latencyMs: 120 })
})

it.each<[string, () => Promise<Response>, Partial<Probe>]>([
  ['the network fails', async () => Promise.reject(new TypeError('Failed to fetch')), {}],
  ['the answer is not accepted', async () => new Response(null), { accepts: () => false }],
  ['the judge rejects', async () => new Response(null), { accepts: async () => Promise.reject(new Error('bug')) }],
  [
    'the judge throws',
    async () => new Response(null),
    {
      accepts: () => {
        throw new Error('bug')
      },
    },
  ],
])('does not reach the server where %s', async (_, answer, probe) => {
  expect(await setUp(answer, probe).run()).toEqual({ kind: 'unreached' })
})

it.each<[string, () => Promise<Response>, Partial<Probe>]>([
  ['the request', () => never, {}],
  ['the judge', async () => new Response(null), { accepts: () => never }],
])('gives up where %s hangs', async (_, answer, probe) => {
  const { run, time, calls } = setUp(answer, probe)
  expect(await run()).toEqual({ kind: 'unreached' })
  expect(time.now()).toBe(5_000)
  expect(calls[0]?.[1]?.signal?.aborted).toBe(true)
})

it('knows nothing where it is ended from outside', async () => {
  const { run, time, calls, controller } = setUp(() => never)
  void time.sleep(300).then(() => controller.abort())
  expect(await run()).toEqual({ kind: 'stopped' })
  expect(time.now()).toBe(300)
  expect(calls[0]?.[1]?.signal?.aborted).toBe(true)
})

it('knows nothing where it was ended before', async () => {
  const { run, controller } = setUp(async () => new Response(null))
  controller.abort()
  expect(await run()).toEqual({ kind: 'stopped' })
})

it('does not take the sleep of the page for the time of an answer', async () => {
  const { run, time } = setUp(async () => {
    time.set(3_600_000)
    return new Response(null)
  })
  expect(await run()).toEqual({ kind: 'reached' })
})
