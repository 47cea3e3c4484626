import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BATCH_MEDIA_TYPE, type BatchAnswer, encodeBatchAnswers, parseBatchRequest } from '../protocol/batch.ts'
import type { Mutation } from '../protocol/mutation.ts'
import type { SendOutcome } from '../protocol/settlement.ts'
import { judge } from './judge.ts'
import { judgeFailure } from './outcome-table.ts'
import { type BatchMemory, type BatchPorts, type BatchRequest, sendInBatches } from './send-batch.ts'

const ENDPOINT = 'https://app.example/api/batch'

function request(id: string, mutation: Partial<Mutation> = {}, parts: Partial<BatchRequest> = {}): BatchRequest {
  return {
    mutation: {
      id,
      method: 'POST',
      attempts: 0,
      failures: 0,
      body: { kind: 'json', text: '' },
      ...mutation,
    } as Mutation,
    url: `https://app.example/notes/${id}`,
    headers: [['content-type', 'application/json']],
    body: JSON.stringify({ id }),
    ...parts,
  }
}

function requests(count: number): BatchRequest[] {
  return Array.from({ length: count }, (_, index) => request(`m${index + 1}`))
}

type Endpoint = (init: RequestInit & { text: string; ids: string[]; headers: Headers }) => Response | Promise<Response>

/** Runs against an endpoint; `seen` holds, in order, what went out: the ids of each batch, or the id of one alone. */
async function send(
  all: BatchRequest[],
  endpoint: Endpoint,
  { alone = () => CONFIRMED, ...ports }: Partial<BatchPorts> & { alone?: (id: string) => SendOutcome } = {},
) {
  const seen: (string | string[])[] = []
  const memory: BatchMemory = ports.memory ?? {}
  const outcomes = await sendInBatches(all, {
    endpoint: ENDPOINT,
    headers: [],
    signal: () => new AbortController().signal,
    isOver: () => false,
    judge: (response, member) => judge(response, { url: member?.url ?? ENDPOINT, now: 0 }),
    unanswered: () => ({ ...judgeFailure('network'), kind: 'retry', code: 'network', message: 'away' }),
    single: async ({ mutation }) => {
      seen.push(mutation.id)
      return alone(mutation.id)
    },
    fetch: async (_url, init = {}) => {
      if (seen.length > 1000) throw new Error('This does not end')
      const headers = new Headers(init.headers)
      const text = await textOf(init.body as string | ArrayBuffer, headers)
      const parsed = parseBatchRequest(text)
      const ids = parsed.kind === 'batch' ? parsed.members.map(({ id }) => id) : [JSON.stringify(parsed)]
      seen.push(ids)
      return endpoint({ ...init, text, ids, headers })
    },
    ...ports,
    memory,
  })
  return { outcomes, seen, memory, kinds: outcomes.map(outcome => outcome?.kind) }
}

async function textOf(body: string | ArrayBuffer, headers: Headers): Promise<string> {
  if (headers.get('content-encoding') !== 'gzip') return String(body)
  return new Response(new Blob([body]).stream().pipeThrough(new DecompressionStream('gzip'))).text()
}

const CONFIRMED: SendOutcome = { kind: 'confirmed', status: 200, headers: {}, body: undefined }
const REFUSED: SendOutcome = { kind: 'refused', status: 422, message: 'no', costsAttempt: true, uncertain: false }

function answers(of: Partial<BatchAnswer>[], headers: Record<string, string> = {}): Response {
  const text = encodeBatchAnswers(of.map(answer => ({ id: '', status: 200, headers: {}, ...answer })))
  return new Response(text, { headers: { 'content-type': BATCH_MEDIA_TYPE, ...headers } })
}

const fine: Endpoint = ({ ids }) => answers(ids.map(id => ({ id })))

describe('what is sent', () => {
  it('is one request, which says once who is asking', async () => {
    const bytes = new Uint8Array([0, 255]).buffer
    const all = [
      request('a', { credentials: 'include' }, { url: 'https://app.example/notes?x=%20y#here' }),
      request('b', { credentials: 'include', method: 'PUT', idempotencyKey: 'b2' }, { body: bytes, headers: [] }),
      request('c', { credentials: 'include', method: 'DELETE' }, { body: undefined }),
    ]
    let sent: Parameters<Endpoint>[0] | undefined
    const { kinds } = await send(
      all,
      init => {
        sent = init
        return fine(init)
      },
      { headers: [['authorization', 'Bearer 1']] },
    )
    expect(kinds).toEqual(['confirmed', 'confirmed', 'confirmed'])
    expect(sent).toMatchObject({ method: 'POST', cache: 'no-store', credentials: 'include' })
    expect(Object.fromEntries(sent?.headers ?? [])).toEqual({
      authorization: 'Bearer 1',
      'content-type': BATCH_MEDIA_TYPE,
    })
    const headers = { 'content-type': 'application/json' }
    expect(parseBatchRequest(sent?.text ?? '')).toEqual({
      kind: 'batch',
      members: [
        { id: 'a', method: 'POST', url: '/notes?x=%20y', headers, body: { kind: 'json', json: { id: 'a' } } },
        { id: 'b2', method: 'PUT', url: '/notes/b', headers: {}, body: { kind: 'base64', data: 'AP8=' } },
        { id: 'c', method: 'DELETE', url: '/notes/c', headers },
      ],
    })
  })

  it.each<[string, Partial<Mutation>, Partial<BatchRequest>]>([
    ['the server failed with it before', { attempts: 1, failures: 1 }, {}],
    ['the network failed with it again and again', { failures: 4 }, {}],
    ['it must not be sent twice unasked', { onUncertain: 'hold' }, {}],
    ['the app gave its key', { idempotencyKey: 'given', keyGiven: true }, {}],
    ['it is large', { body: { kind: 'apart', of: 'json', blobKey: 'b', size: 70_000 } }, {}],
    ['it asks with other credentials', { credentials: 'omit' }, {}],
    ['it goes to another origin', {}, { url: 'https://app.example.evil/notes' }],
    ['it goes to another port', {}, { url: 'https://app.example:444/notes' }],
    ['it has an address that a batch cannot hold', {}, { url: 'https://app.example//notes' }],
    ['it has a query that a batch cannot hold', {}, { url: 'https://app.example/notes?a\\b' }],
    ['it is more than a batch can hold', {}, { body: JSON.stringify('\u0001'.repeat(60_000)) }],
  ])('goes alone: %s', async (_why, mutation, parts) => {
    const odd = request('odd', mutation, parts)
    const { seen, kinds } = await send([...requests(3), odd, request('m4')], fine)
    expect(seen).toContain('odd')
    expect(seen.flat().sort()).toEqual(['m1', 'm2', 'm3', 'm4', 'odd'])
    expect(seen.length).toBeLessThanOrEqual(3)
    expect(kinds).toEqual(Array(5).fill('confirmed'))
  })

  it('may have failed for want of a network', async () => {
    const { seen } = await send([request('a', { failures: 3 }), request('b')], fine)
    expect(seen).toEqual([['a', 'b']])
  })

  it('goes alone where there is only one', async () => {
    expect((await send(requests(1), fine)).seen).toEqual(['m1'])
    expect((await send([], fine)).seen).toEqual([])
  })

  it('is no more than fits', async () => {
    const long = requests(8).map(one => ({ ...one, body: JSON.stringify('x'.repeat(60_000)) }))
    const { seen, kinds } = await send(long, fine)
    expect(seen).toEqual([
      ['m1', 'm2', 'm3', 'm4', 'm5'],
      ['m6', 'm7', 'm8'],
    ])
    expect(kinds).toEqual(Array(8).fill('confirmed'))
  })
})

describe('the answer to a member', () => {
  it('is judged as if it had come by itself', async () => {
    const inProgress = { type: 'urn:problem-type:holdfast:idempotency-key-in-progress' }
    const problem = { 'content-type': 'application/problem+json' }
    const parts: Omit<BatchAnswer, 'id'>[] = [
      {
        status: 201,
        headers: { 'Content-Type': 'application/json', etag: '"1"' },
        body: { kind: 'json', json: { n: 1 } },
      },
      { status: 204, headers: {}, body: { kind: 'text', text: 'nonsense' } },
      { status: 200, headers: {}, body: { kind: 'text', text: 'fine' } },
      { status: 200, headers: {}, body: { kind: 'base64', data: 'ZmluZQ==' } },
      { status: 409, headers: problem, body: { kind: 'json', json: inProgress } },
      { status: 409, headers: {} },
      { status: 422, headers: problem, body: { kind: 'json', json: { title: 'Too long' } } },
      { status: 401, headers: {} },
      { status: 503, headers: { 'retry-after': '7' } },
      { status: 503, headers: { 'retry-after': 'Fri, 21 Nov 2025 10:00:09 GMT' } },
    ]
    const date = 'Fri, 21 Nov 2025 10:00:00 GMT'
    const { outcomes, seen } = await send(requests(10), ({ ids }) => {
      // In any order.
      return answers(ids.flatMap((id, index) => (parts[index] ? [{ ...parts[index], id }] : [])).reverse(), { date })
    })
    expect(seen).toHaveLength(1)
    const expected: object[] = [
      {
        kind: 'confirmed',
        status: 201,
        headers: { 'content-type': 'application/json', etag: '"1"', date },
        body: { n: 1 },
      },
      { kind: 'confirmed', status: 204, body: undefined },
      { kind: 'confirmed', status: 200, headers: { date }, body: 'fine' },
      { kind: 'confirmed', status: 200, body: 'fine' },
      { kind: 'retry', code: 'status', status: 409 },
      { kind: 'conflict', status: 409 },
      { kind: 'refused', status: 422, message: 'Too long' },
      { kind: 'hold', status: 401, costsAttempt: false },
      { kind: 'retry', status: 503, retryAfterMs: 7000 },
      { kind: 'retry', status: 503, retryAfterMs: 9000 },
    ]
    expect(outcomes).toMatchObject(expected)
    expect(outcomes[2]).toEqual({ kind: 'confirmed', status: 200, headers: { date }, body: 'fine' })
  })

  it('is shown to the judge with its member, and that to the batch without one', async () => {
    const asked: unknown[] = []
    const spy: BatchPorts['judge'] = (response, member) => {
      asked.push([response.status, member?.mutation.id])
      return judge(response, { url: ENDPOINT, now: 0 })
    }
    const all = requests(2)
    await send(all, ({ ids }) => answers(ids.map(id => ({ id, status: 404 }))), { judge: spy })
    await send(all, () => new Response('', { status: 404 }), { judge: spy })
    expect(asked).toEqual([
      [404, 'm1'],
      [404, 'm2'],
      [404, undefined],
    ])
  })

  it('may be left out, and then it is sent again', async () => {
    let left = 5
    const { seen, kinds } = await send(requests(5), ({ ids }) => answers([{ id: ids[--left % ids.length] }]))
    expect(seen.map(ids => ids.length)).toEqual([5, 4, 3, 2, 2])
    expect(kinds).toEqual(Array(5).fill('confirmed'))
  })
})

describe('a batch that comes to nothing', () => {
  it.each<[number | string, object, Record<string, string>?]>([
    [401, { kind: 'hold', costsAttempt: false }],
    [408, { kind: 'retry', costsAttempt: true }],
    [429, { kind: 'retry', status: 429, retryAfterMs: 3000 }, { 'retry-after': '3' }],
    [502, { kind: 'retry', uncertain: true }],
    [503, { kind: 'retry', costsAttempt: true, uncertain: false }],
    [504, { kind: 'retry', uncertain: true }],
    [511, { kind: 'retry', costsAttempt: false }],
    ['network', { kind: 'retry', code: 'network', costsAttempt: false }],
    ['half an answer', { kind: 'retry', code: 'network', costsAttempt: false }],
  ])('makes all of them wait: %s', async (what, expected, headers) => {
    const { outcomes, seen, memory } = await send([...requests(5), request('odd', { attempts: 1 })], () => {
      if (what === 'network') throw new TypeError('Failed to fetch')
      if (typeof what === 'number') return new Response(null, { status: what, headers })
      const broken = new ReadableStream({ pull: controller => controller.error(new TypeError('gone')) })
      return new Response(broken, { headers: { 'content-type': BATCH_MEDIA_TYPE } })
    })
    expect(outcomes.slice(0, 5)).toMatchObject(Array(5).fill(expected))
    expect([outcomes[5], seen.length, memory.isUseless]).toEqual([undefined, 1, undefined])
  })

  it.each([200, 201, 302, 403, 404, 405, 407, 409, 410, 415, 431, 501, 505])(
    'ends none of them, and shows that there are no batches: %i',
    async status => {
      const page = () => new Response('<!doctype html>', { status, headers: { 'content-type': 'text/html' } })
      const first = await send(requests(5), page)
      expect([first.kinds, first.seen.length]).toEqual([Array(5).fill(undefined), 1])
      expect(first.memory).toEqual({ isUseless: true })
      const next = await send(requests(5), page, { memory: first.memory })
      expect(next.seen).toEqual(['m1', 'm2', 'm3', 'm4', 'm5'])
    },
  )

  it('leaves the others to the next one where a lone one has to wait', async () => {
    const retry: SendOutcome = { kind: 'retry', code: 'network', message: '', costsAttempt: false, uncertain: true }
    const endpoint: Endpoint = init => (init.ids.includes('m2') ? new Response('', { status: 500 }) : fine(init))
    const { seen, kinds } = await send(requests(4), endpoint, { alone: id => (id === 'm2' ? retry : CONFIRMED) })
    expect(seen).toEqual([['m1', 'm2', 'm3', 'm4'], ['m1', 'm2'], 'm1', 'm2'])
    expect(kinds).toEqual(['confirmed', 'retry', undefined, undefined])
  })

  it('is not followed by another one when the run is over', async () => {
    let isOver = false
    const { kinds, seen } = await send(
      requests(4),
      () => {
        isOver = true
        return new Response('', { status: 500 })
      },
      { isOver: () => isOver },
    )
    expect([kinds, seen.length]).toEqual([Array(4).fill(undefined), 1])
  })
})

describe('halving', () => {
  it.each<[string, Endpoint]>([
    ['400', () => new Response('', { status: 400 })],
    ['422', () => new Response('', { status: 422 })],
    ['500', () => new Response('', { status: 500 })],
    ['an answer that is not JSON', () => new Response('{', { headers: { 'content-type': BATCH_MEDIA_TYPE } })],
    ['an answer to something else', () => answers([{ id: 'x' }])],
    ['two answers to one', ({ ids }) => answers([{ id: ids[0] }, { id: ids[0] }])],
    ['no answers at all', () => answers([])],
  ])('finds the one that causes %s', async (_what, broken) => {
    const endpoint: Endpoint = init => (init.ids.includes('m3') ? broken(init) : fine(init))
    const { kinds, seen, memory } = await send(requests(6), endpoint, {
      alone: id => (id === 'm3' ? REFUSED : CONFIRMED),
    })
    expect(kinds).toEqual(['confirmed', 'confirmed', 'refused', 'confirmed', 'confirmed', 'confirmed'])
    expect(seen.filter(sent => sent === 'm3')).toHaveLength(1)
    expect(memory.isUseless).toBeUndefined()
  })

  it('gives batches up where none of them works', async () => {
    const { kinds, seen, memory } = await send(requests(10), () => new Response('', { status: 500 }))
    expect(kinds).toEqual(Array(10).fill('confirmed'))
    expect(seen).toHaveLength(19)
    expect(memory.isUseless).toBe(true)
  })

  it('does not take a few for all', async () => {
    const { seen, memory } = await send(requests(3), () => new Response('', { status: 500 }))
    expect([seen.length, memory]).toEqual([5, {}])
  })

  it('remembers what was too large', async () => {
    const memory: BatchMemory = {}
    const endpoint: Endpoint = init => (init.text.length > 2000 ? new Response('', { status: 413 }) : fine(init))
    const big = (count: number) => requests(count).map(one => ({ ...one, body: JSON.stringify('x'.repeat(200)) }))
    const first = await send(big(8), endpoint, { memory })
    expect(first.seen.slice(0, 2).map(sent => sent.length)).toEqual([8, 4])
    const next = await send(big(8), endpoint, { memory })
    expect(next.seen.map(sent => sent.length)).toEqual([4, 4])
    expect(next.kinds).toEqual(Array(8).fill('confirmed'))
  })

  it('lets one that is too large go alone, and the others together', async () => {
    const endpoint: Endpoint = init => (init.text.length > 2000 ? new Response('', { status: 413 }) : fine(init))
    const [first, ...rest] = requests(8)
    const big = first && { ...first, body: JSON.stringify('x'.repeat(3000)) }
    const { kinds, seen } = await send([...(big ? [big] : []), ...rest], endpoint)
    expect(seen.map(sent => (typeof sent === 'string' ? sent : sent.length))).toEqual([8, 'm1', 3, 4])
    expect(kinds).toEqual(Array(8).fill('confirmed'))
  })
})

describe('gzip', () => {
  const long = requests(2).map(one => ({ ...one, body: JSON.stringify('x'.repeat(6_000)) }))
  const encodings = (endpoint: Endpoint) => {
    const used: (string | null)[] = []
    const wrapped: Endpoint = async init => {
      used.push(init.headers.get('content-encoding'))
      const response = await endpoint(init)
      response.headers.set('accept-encoding', 'br, gzip')
      return response
    }
    return { used, wrapped }
  }

  it('is used from the moment on that the server says that it takes it, for what is large', async () => {
    const { used, wrapped } = encodings(fine)
    const memory: BatchMemory = {}
    for (const all of [long, long, requests(2)]) await send(all, wrapped, { memory })
    expect(used).toEqual([null, 'gzip', null])
    const silent = await send(long, fine)
    expect(silent.memory.gzip).toBeUndefined()
  })

  it.each([403, 415, 501])('ends where it is answered %i, and the same goes as it is', async status => {
    const { used, wrapped } = encodings(init =>
      init.headers.has('content-encoding') ? new Response('', { status }) : fine(init),
    )
    const memory: BatchMemory = { gzip: true }
    const { kinds } = await send(long, wrapped, { memory })
    await send(long, wrapped, { memory })
    expect([kinds, used]).toEqual([
      ['confirmed', 'confirmed'],
      ['gzip', null, null],
    ])
    expect(memory).toEqual({ gzip: false, works: true })
  })

  it('goes on where a member is wrong', async () => {
    const { used, wrapped } = encodings(init =>
      init.ids.includes('m1') ? new Response('', { status: 400 }) : fine(init),
    )
    const memory: BatchMemory = { gzip: true }
    const { kinds } = await send(long, wrapped, { memory, alone: id => (id === 'm1' ? REFUSED : CONFIRMED) })
    expect([kinds, used, memory.gzip]).toEqual([['refused', 'confirmed'], ['gzip'], true])
  })

  it('ends where the network does not let it pass, and not where the server has no time', async () => {
    const away: BatchMemory = { gzip: true }
    const thrown = await send(long, () => Promise.reject(new TypeError('Failed to fetch')), { memory: away })
    expect([thrown.kinds, away.gzip]).toEqual([['retry', 'retry'], false])
    const busy: BatchMemory = { gzip: true }
    await send(long, () => new Response('', { status: 503 }), { memory: busy })
    expect(busy.gzip).toBe(true)
  })
})

describe('whatever a server does', () => {
  /** `poison`: no batch with it is answered. `stubborn`: nor is it alone, the first time. `bad`: refused in any way. */
  const fates = fc.constantFrom('fine', 'fine', 'fine', 'fine', 'poison', 'stubborn', 'bad', 'alone' as const)
  const storms = fc.array(fc.constantFrom('calm', 'calm', 'calm', 503, 401, 404, 'network' as const), { maxLength: 12 })
  const world = fc.record({
    fates: fc.array(fates, { maxLength: 30 }),
    storms,
    /** How the server answers a poisoned batch, and how many answers it leaves out, by turns. */
    turns: fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }),
    most: fc.integer({ min: 1, max: 40 }),
  })

  it('ends each one by its own answer, with less than two requests for each', async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ fates, storms, turns, most }) => {
        const weather = [...storms]
        const done = new Set<string>()
        const alone = new Set<string>()
        let turn = 0
        const next = () => turns[turn++ % turns.length] ?? 0
        const fateOf = (id: string) => fates[Number(id.slice(1)) - 1]
        const endpoint: Endpoint = ({ ids }) => {
          const storm = weather.shift()
          if (storm === 'network') throw new TypeError('Failed to fetch')
          if (typeof storm === 'number') return new Response('', { status: storm })
          if (ids.length > most) return new Response('', { status: 413 })
          if (ids.some(id => ['poison', 'stubborn'].includes(fateOf(id) ?? ''))) {
            return new Response('{', {
              status: [400, 422, 500, 200][next() % 4],
              headers: { 'content-type': BATCH_MEDIA_TYPE },
            })
          }
          const answered = ids.slice(0, Math.max(1, ids.length - next()))
          for (const id of answered) if (fateOf(id) !== 'bad') done.add(id)
          return answers(answered.map(id => ({ id, status: fateOf(id) === 'bad' ? 422 : 200 })).reverse())
        }
        const byItself = (id: string): SendOutcome => {
          const isFirst = !alone.has(id)
          alone.add(id)
          if (fateOf(id) === 'stubborn' && isFirst) return { ...REFUSED, kind: 'retry', code: 'status' }
          if (fateOf(id) !== 'fine' && fateOf(id) !== 'alone') return REFUSED
          done.add(id)
          return CONFIRMED
        }

        const ended = new Map<string, string>()
        let waiting = requests(fates.length).map(one =>
          fateOf(one.mutation.id) === 'alone' ? { ...one, url: 'https://other.example/' } : one,
        )
        for (let round = 0; waiting.length > 0; round += 1) {
          expect(round).toBeLessThan(20 + 3 * fates.length)
          const { outcomes, seen, memory } = await send(waiting, endpoint, { alone: byItself })
          expect(seen.length).toBeLessThan(2 * waiting.length)
          expect(outcomes.some(Boolean) || memory.isUseless).toBe(true)
          waiting = waiting.flatMap((one, index) => {
            const outcome = outcomes[index]
            const { id, attempts, failures } = one.mutation
            if (outcome === undefined) return [one]
            if (outcome.kind === 'confirmed' || outcome.kind === 'refused') {
              expect(ended.has(id)).toBe(false)
              ended.set(id, outcome.kind)
              return []
            }
            const cost = outcome.costsAttempt ? 1 : 0
            return [{ ...one, mutation: { ...one.mutation, attempts: attempts + cost, failures: failures + 1 } }]
          })
        }
        for (const [id, kind] of ended) {
          const isFine = fateOf(id) === 'fine' || fateOf(id) === 'alone'
          expect([id, kind, done.has(id)]).toEqual([id, isFine ? 'confirmed' : 'refused', isFine])
          if (!isFine && fateOf(id) !== 'bad') expect(alone.has(id)).toBe(true)
        }
        expect(ended.size).toBe(fates.length)
      }),
      { numRuns: 300 },
    )
  })

  it('finds one poisoned member among many in a few requests', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 4, max: 100 }), fc.nat(), async (count, place) => {
        const poison = `m${(place % count) + 1}`
        const endpoint: Endpoint = init => (init.ids.includes(poison) ? new Response('', { status: 422 }) : fine(init))
        const { kinds, seen } = await send(requests(count), endpoint, {
          alone: id => (id === poison ? REFUSED : CONFIRMED),
        })
        expect(seen.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(count)) + 1)
        expect(kinds.filter(kind => kind === 'refused')).toHaveLength(1)
        expect(seen).toContain(poison)
      }),
      { numRuns: 100 },
    )
  })
})
