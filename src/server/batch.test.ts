import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  BATCH_MEDIA_TYPE,
  type BatchAnswer,
  type BatchMember,
  encodeBatch,
  parseBatchAnswer,
} from '../protocol/batch.ts'
import { type BatchOptions, batchSettings, withBatch } from './batch.ts'
import { type Database, openDatabase } from './database.ts'
import { problem } from './problem.ts'
import { createSyncServer, type SyncServer, type SyncServerOptions } from './sync-server.ts'

let memory: Database
let key = 0

beforeAll(async () => {
  memory = await openDatabase({})
})
afterAll(async () => {
  await memory.close()
})
beforeEach(async () => {
  await memory.script('drop table if exists things; create table things (place serial primary key, name text unique)')
})

const routes: SyncServerOptions['routes'] = routes => {
  routes.write('POST', '/things', async ({ json, tx }) => {
    const { name } = json() as { name: string }
    await tx.query('insert into things (name) values ($1)', [name])
    return name.startsWith('bad') ? problem(422, { title: 'Bad' }) : { status: 201, json: { name } }
  })
  routes.write('DELETE', '/things/:name', async ({ params, tx }) => {
    const gone = await tx.query('delete from things where name = $1 returning name', [params.name])
    return { status: gone.length === 1 ? 204 : 404 }
  })
  routes.write('POST', '/echo', ({ method, url, headers, text }) => ({
    status: 200,
    json: { method, url: url.href, headers: Object.fromEntries(headers), text: text() },
    headers: { 'set-cookie': 'seen=1; Path=/' },
  }))
}

function serve(batch: string | BatchOptions = '/api/batch', options: Partial<SyncServerOptions> = {}): SyncServer {
  return createSyncServer({ database: { ...memory, close: async () => {} }, routes, batch, ...options })
}

/** A fresh id for each member: the keys of all tests are in one database. */
function thing(name: string, parts: Partial<BatchMember> = {}): BatchMember {
  return {
    id: `k${++key}`,
    method: 'POST',
    url: '/things',
    headers: { 'content-type': 'application/json' },
    body: { kind: 'json', json: { name } },
    ...parts,
  }
}

function batchOf(members: BatchMember[]): string {
  return encodeBatch(members, { members: 1000, bytes: 1e9 }).text
}

function post(server: SyncServer, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
  const init = { method: 'POST', headers: { 'content-type': BATCH_MEDIA_TYPE, ...headers }, body }
  return server.fetch(new Request('https://app.example/api/batch', init))
}

/** One for each, in their order; undefined where there is none. */
async function send(server: SyncServer, members: BatchMember[]): Promise<(BatchAnswer | undefined)[]> {
  const response = await post(server, batchOf(members))
  expect([response.status, response.headers.get('content-type')]).toEqual([200, BATCH_MEDIA_TYPE])
  return read(response, members)
}

async function read(response: Response, members: BatchMember[]): Promise<(BatchAnswer | undefined)[]> {
  const ids = members.map(({ id }) => id)
  const answers = parseBatchAnswer(await response.text(), ids)
  if (!answers) throw new Error('It is no answer')
  return ids.map(id => answers.get(id))
}

async function answersOf(server: SyncServer, members: BatchMember[]): Promise<BatchAnswer[]> {
  return (await send(server, members)).map(answer => answer ?? expect.fail('One has no answer'))
}

async function names(): Promise<unknown[]> {
  return (await memory.query('select name from things order by place')).map(({ name }) => name)
}

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  return (await response.json()) as Record<string, unknown>
}

describe('the batch endpoint', () => {
  it('does each member in its own transaction, in order, and answers each', async () => {
    const members = [
      thing('a'),
      thing('bad'),
      thing('b'),
      thing('a', { method: 'DELETE', url: '/things/a', body: undefined }),
    ]
    const answers = await answersOf(serve(), members)
    expect(answers.map(({ id, status }) => [id, status])).toEqual(
      members.map(({ id }, index) => [id, [201, 422, 201, 204][index]]),
    )
    expect(answers[0]).toEqual({
      id: members[0]?.id,
      status: 201,
      headers: { 'content-type': 'application/json' },
      body: { kind: 'json', json: { name: 'a' } },
    })
    expect(answers[1]).toMatchObject({
      headers: { 'content-type': 'application/problem+json' },
      body: { kind: 'json', json: { title: 'Bad', status: 422 } },
    })
    expect(answers[3]).not.toHaveProperty('body')
    expect(await names()).toEqual(['b'])
  })

  it('does a member once, whether it comes in a batch or alone', async () => {
    const server = serve()
    const members = [thing('a'), thing('b')]
    const alone = (id: string, name: string) =>
      server.fetch(
        new Request('https://app.example/things', {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': `"${id}"` },
          body: JSON.stringify({ name }),
        }),
      )
    expect((await alone(members[0]?.id ?? '', 'a')).headers.has('idempotency-replayed')).toBe(false)
    const first = await answersOf(server, members)
    expect(first.map(({ status, headers }) => [status, headers['idempotency-replayed']])).toEqual([
      [201, 'true'],
      [201, undefined],
    ])
    const again = await answersOf(server, members)
    expect(again.map(({ headers }) => headers['idempotency-replayed'])).toEqual(['true', 'true'])
    const replayed = await alone(members[1]?.id ?? '', 'b')
    expect([replayed.status, replayed.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
    expect(await names()).toEqual(['a', 'b'])
  })

  it('leaves what follows a failure of the same entity undone, and nothing else', async () => {
    const members = [
      thing('bad', { entity: 'x' }),
      thing('x2', { entity: 'x' }),
      thing('y', { entity: 'y' }),
      thing('free'),
      thing('x3', { entity: 'x' }),
    ]
    const answers = await send(serve(), members)
    expect(answers.map(answer => answer?.status)).toEqual([422, undefined, 201, 201, undefined])
    expect(await names()).toEqual(['y', 'free'])
  })

  it('gives each member the credentials of the batch, and its own content', async () => {
    const server = serve({ path: '/api/batch', fields: ['X-Own'] })
    const member = thing('', {
      url: '/echo?q=%20',
      headers: { 'content-type': 'text/plain', 'if-match': '"1"', 'x-own': '1' },
      body: { kind: 'text', text: 'é' },
    })
    const response = await post(server, batchOf([member]), {
      authorization: 'Bearer 1',
      cookie: 'session=1',
      'if-none-match': '*',
      'content-language': 'de',
      'idempotency-key': '"outer"',
    })
    expect(response.headers.getSetCookie()).toEqual(['seen=1; Path=/'])
    const [answer] = await read(response, [member])
    expect(answer?.headers).not.toHaveProperty('set-cookie')
    const echo = answer?.body?.kind === 'json' ? answer.body.json : undefined
    expect(echo).toEqual({
      method: 'POST',
      url: 'https://app.example/echo?q=%20',
      text: 'é',
      headers: {
        authorization: 'Bearer 1',
        cookie: 'session=1',
        'content-type': 'text/plain',
        'if-match': '"1"',
        'x-own': '1',
        'idempotency-key': `"${member.id}"`,
      },
    })
  })

  it('adds no content type where the member has none', async () => {
    const [answer] = await answersOf(serve(), [
      thing('', { url: '/echo', headers: {}, body: { kind: 'text', text: 'x' } }),
    ])
    expect(answer?.body).toMatchObject({ json: { headers: { 'idempotency-key': expect.any(String) } } })
    expect(JSON.stringify(answer?.body)).not.toContain('content-type')
  })

  it('asks for the scope of each member with the credentials of the batch', async () => {
    const seen: unknown[] = []
    const scope = (request: Request) => {
      seen.push(new URL(request.url).pathname, request.headers.get('cookie'))
      return 'ada'
    }
    await post(serve('/api/batch', { scope }), batchOf([thing('a')]), { cookie: 'session=1' })
    expect(seen).toEqual(['/things', 'session=1'])
  })

  it.each(['authorization', 'cookie', 'host', 'x-forwarded-for', 'x-user', 'idempotency-key', 'content-length'])(
    'does nothing where a member brings its own %s',
    async name => {
      const response = await post(serve(), batchOf([thing('a'), thing('b', { headers: { [name]: '1' } })]))
      expect(await problemOf(response)).toMatchObject({
        type: 'urn:problem-type:holdfast:batch-field-refused',
        status: 400,
        field: name,
      })
      expect(await names()).toEqual([])
    },
  )

  it.each(['/api/batch', '/api/batch?x=1', '/x/../api/batch', '/x/%2e%2e/api/batch'])(
    'does not take a batch in a batch: %s',
    async url => {
      const inner = thing('a')
      const body = { kind: 'text', text: batchOf([inner]) } as const
      const outer = thing('', { url, headers: { 'content-type': BATCH_MEDIA_TYPE }, body })
      const [answer] = await answersOf(serve(), [outer])
      expect(answer).toMatchObject({
        status: 400,
        body: { json: { type: 'urn:problem-type:holdfast:batch-nested' } },
      })
      expect(await names()).toEqual([])
    },
  )

  it('finds no batch endpoint under another spelling', async () => {
    const body = { kind: 'text', text: batchOf([thing('a')]) } as const
    const outer = thing('', { url: '/api/%62atch', headers: { 'content-type': BATCH_MEDIA_TYPE }, body })
    expect(await answersOf(serve(), [outer])).toMatchObject([{ status: 404 }])
    expect(await names()).toEqual([])
  })

  it('says that it takes gzip, and takes it', async () => {
    const member = thing('a')
    for (const coding of ['gzip', 'GZIP', 'x-gzip']) {
      const response = await post(serve(), gzipSync(batchOf([member])), { 'content-encoding': coding })
      expect([response.status, response.headers.get('accept-encoding')]).toEqual([200, 'gzip'])
    }
    expect(await names()).toEqual(['a'])
    const plain = await post(serve(), batchOf([]))
    expect([plain.status, plain.headers.get('accept-encoding')]).toEqual([200, 'gzip'])
  })

  it('stops unpacking at the limit', async () => {
    const server = serve({ path: '/api/batch', limits: { bytes: 100_000 } })
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, ' '), { level: 1 })
    const small = gzipSync(gzipSync(Buffer.alloc(1)))
    expect(bomb.length).toBeLessThan(2_000_000)
    const generous = serve({ path: '/api/batch', limits: { bytes: bomb.length } })
    for (const [endpoint, body] of [
      [server, bomb],
      [generous, bomb],
    ] as const) {
      const before = process.memoryUsage().arrayBuffers
      const response = await post(endpoint, body, { 'content-encoding': 'gzip' })
      expect(await problemOf(response)).toMatchObject({
        status: 413,
        type: 'urn:problem-type:holdfast:batch-too-large',
      })
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * 1024 * 1024)
    }
    const response = await post(server, small, { 'content-encoding': 'gzip' })
    expect(await problemOf(response)).toMatchObject({ status: 400 })
  })

  it.each([
    ['what is no gzip', Buffer.from('{}')],
    ['half of it', gzipSync(batchOf([thing('a')])).subarray(0, 40)],
    ['what is no UTF-8', gzipSync(Buffer.from(batchOf([thing('\u00ff')]), 'latin1'))],
  ])('cannot unpack %s', async (_what, body) => {
    const response = await post(serve(), body, { 'content-encoding': 'gzip' })
    expect(await problemOf(response)).toMatchObject({ status: 400, type: 'urn:problem-type:holdfast:batch-malformed' })
  })

  it('says what is wrong with a batch that it cannot read, and does nothing', async () => {
    const response = await post(serve(), batchOf([thing('a'), thing('b', { url: 'https://evil.example/' })]))
    expect(await problemOf(response)).toMatchObject({
      status: 400,
      type: 'urn:problem-type:holdfast:batch-malformed',
      detail: 'requests[1]: its url is not a path',
    })
    expect(await names()).toEqual([])
  })

  it('takes no more members and bytes than it says', async () => {
    const server = serve({ path: '/api/batch', limits: { members: 2, bytes: 1000 } })
    const three = await post(server, batchOf([thing('a'), thing('b'), thing('c')]))
    const long = await post(server, batchOf([thing('a'.repeat(1000))]))
    for (const response of [three, long]) {
      expect(await problemOf(response)).toMatchObject({ status: 413, maxMembers: 2, maxBytes: 1000 })
    }
    expect(await names()).toEqual([])
  })

  it('begins no member after its time, but always one', async () => {
    const server = serve({ path: '/api/batch', budgetMs: 0 })
    const members = [thing('a'), thing('b')]
    expect(await send(server, members)).toMatchObject([{ status: 201 }, undefined])
    expect(await send(server, members.slice(1))).toMatchObject([{ status: 201 }])
  })

  it('stops when the client has gone', async () => {
    const gone = new AbortController()
    const stop: SyncServerOptions['routes'] = routes => {
      routes.write('POST', '/things', () => {
        gone.abort()
        return { status: 204 }
      })
    }
    const init = { method: 'POST', headers: { 'content-type': BATCH_MEDIA_TYPE }, signal: gone.signal }
    const body = batchOf([thing('a'), thing('b')])
    const request = new Request('https://app.example/api/batch', { ...init, body })
    const response = await serve('/api/batch', { routes: stop }).fetch(request)
    expect(((await response.json()) as { answers: unknown[] }).answers).toHaveLength(1)
  })

  it('carries answers that are not JSON', async () => {
    const contents = [new Uint8Array([0xff, 0]), 'Fern', '{"a": 1}', null]
    const fetch = withBatch(
      () => new Response(contents.shift(), { headers: { 'content-type': 'application/json' } }),
      batchSettings('/api/batch'),
    )
    const members = [thing('a'), thing('b'), thing('c'), thing('d')]
    const init = { method: 'POST', headers: { 'content-type': BATCH_MEDIA_TYPE }, body: batchOf(members) }
    const response = await fetch(new Request('https://app.example/api/batch', init))
    expect((await read(response, members)).map(answer => answer?.body)).toEqual([
      { kind: 'base64', data: '/wA=' },
      { kind: 'text', text: 'Fern' },
      { kind: 'text', text: '{"a": 1}' },
      undefined,
    ])
  })

  it('takes only POST, its own type, and gzip', async () => {
    const server = serve()
    const get = await server.fetch(new Request('https://app.example/api/batch'))
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
    for (const coding of ['br', 'deflate', 'gzip, gzip', 'gzip;q=1', '']) {
      const response = await post(server, batchOf([]), { 'content-encoding': coding })
      expect([coding, response.status, response.headers.get('accept-encoding')]).toEqual([coding, 415, 'gzip'])
    }
  })

  it('speaks of codings in a 415 only where it is about them', async () => {
    const other = await post(serve(), batchOf([]), { 'content-type': 'application/json' })
    expect([other.status, other.headers.get('accept-encoding')]).toEqual([415, null])
    const both = { 'content-type': 'application/json', 'content-encoding': 'br' }
    expect((await post(serve(), batchOf([]), both)).headers.get('accept-encoding')).toBeNull()
  })

  it('is not there unless it is asked for, and must be a path', async () => {
    const without = createSyncServer({ database: { ...memory, close: async () => {} }, routes })
    expect((await post(without, batchOf([thing('a')]))).status).toBe(404)
    for (const path of ['api/batch', 'https://app.example/api/batch', '/api/batch?x', '/a b', '']) {
      expect(() => serve(path)).toThrow(expect.objectContaining({ code: 'invalid-options' }))
    }
  })
})
