import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from './database.ts'
import { problem } from './problem.ts'
import type { WriteHandler } from './routes.ts'
import { createSyncServer, type SyncServer, type SyncServerOptions } from './sync-server.ts'

const open: SyncServer[] = []
let memory: Database

beforeAll(async () => {
  memory = await openDatabase({})
})
afterAll(async () => {
  await memory.close()
})
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

function serve(options: Partial<SyncServerOptions> = {}, write: WriteHandler = () => ({ status: 204 })): SyncServer {
  const routes: SyncServerOptions['routes'] = routes => routes.write('POST', '/things', write)
  const server = createSyncServer({ database: { ...memory, close: async () => {} }, routes, ...options })
  open.push(server)
  return server
}

function post(server: SyncServer, init: RequestInit & { duplex?: 'half' } = {}, path = '/things') {
  return server.fetch(new Request(`http://localhost${path}`, { method: 'POST', ...init }))
}

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const body: Record<string, unknown> = await response.json()
  expect(body.status).toBe(response.status)
  return body
}

describe('createSyncServer', () => {
  it('serves the example of its documentation', async () => {
    const server = createSyncServer({
      database: {},
      tables: ['create table if not exists notes (id text primary key, text text not null)'],
      routes: routes => {
        routes.read('GET', '/api/notes', async ({ db }) => ({
          status: 200,
          json: await db.query('select * from notes'),
        }))
        routes.write('POST', '/api/notes', async ({ json, tx }) => {
          const { id, text } = json() as { id: string; text: string }
          await tx.query('insert into notes (id, text) values ($1, $2)', [id, text])
          return { status: 201, json: { id, text } }
        })
      },
    })
    open.push(server)
    await server.ready()
    const created = await post(server, { body: '{"id":"n1","text":"hello"}' }, '/api/notes')
    expect([created.status, await created.json()]).toEqual([201, { id: 'n1', text: 'hello' }])
    const response = await server.fetch(new Request('http://localhost/api/notes'))
    expect(await response.json()).toEqual([{ id: 'n1', text: 'hello' }])
    const head = await server.fetch(new Request('http://localhost/api/notes', { method: 'HEAD' }))
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('gives a handler the parameters, the query, the headers and the body', async () => {
    const seen: unknown[] = []
    const routes: SyncServerOptions['routes'] = routes =>
      routes.write('PUT', '/things/:id', async ({ method, params, url, headers, body, form }) => {
        seen.push(method, params, url.search, headers.get('x-a'), body.length > 0, (await form()).get('name'))
        return { status: 200 }
      })
    const server = serve({ routes })
    const body = new FormData()
    body.set('name', 'Ada')
    const request = new Request('http://localhost/things/7%2F8?q=1', { method: 'PUT', headers: { 'x-a': 'b' }, body })
    expect((await server.fetch(request)).status).toBe(200)
    expect(seen).toEqual(['PUT', { id: '7/8' }, '?q=1', 'b', true, 'Ada'])
  })

  it('does a write without a key as often as it arrives, unless keys are required', async () => {
    let effects = 0
    const count: WriteHandler = () => {
      effects++
      return { status: 204 }
    }
    const server = serve({}, count)
    await post(server)
    await post(server)
    expect(effects).toBe(2)
    const strict = serve({ requireKey: true }, count)
    expect(await problemOf(await post(strict))).toMatchObject({
      type: 'urn:problem-type:holdfast:idempotency-key-missing',
      status: 400,
    })
    expect(effects).toBe(2)
  })

  it('refuses a key that cannot be read', async () => {
    const response = await post(serve(), { headers: { 'idempotency-key': '"' } })
    expect(await problemOf(response)).toMatchObject({
      type: 'urn:problem-type:holdfast:idempotency-key-malformed',
      status: 400,
    })
  })

  it('refuses a body over the limit, announced or not', async () => {
    const server = serve({ maxBodyBytes: 10 }, ({ body }) => ({ status: 200, json: body.length }))
    expect(await (await post(server, { body: '0123456789' })).json()).toBe(10)
    const stream = new Blob(['0123456789', 'x']).stream()
    for (const init of [
      { body: stream, duplex: 'half' as const },
      { headers: { 'content-length': '11' }, body: 'x' },
    ]) {
      expect(await problemOf(await post(server, init))).toMatchObject({ status: 413, maxBytes: 10 })
    }
  })

  it('answers 408 when the body breaks off', async () => {
    const body = new ReadableStream({ pull: controller => controller.error(new Error('gone')) })
    expect(await problemOf(await post(serve(), { body, duplex: 'half' }))).toMatchObject({ status: 408 })
  })

  it('answers 400 to a body that is not what the handler reads', async () => {
    const json = serve({}, ({ json }) => ({ status: 200, json: json() }))
    expect(await problemOf(await post(json, { body: '{' }))).toMatchObject({ title: 'The body is not JSON' })
    const form = serve({}, async ({ form }) => ({ status: 200, json: [...(await form()).keys()] }))
    expect(await problemOf(await post(form, { body: 'x' }))).toMatchObject({ title: 'The body is not a form' })
  })

  it('answers what it does not know with 404, and what breaks with 500, as problems', async () => {
    const errors: unknown[] = []
    const failure = new Error('secret')
    const server = serve({ onError: error => errors.push(error) }, () => {
      throw failure
    })
    expect(await problemOf(await post(server, {}, '/nothing'))).toMatchObject({ status: 404, instance: '/nothing' })
    const broken = await problemOf(await post(server))
    expect(broken.status).toBe(500)
    expect(JSON.stringify(broken)).not.toContain('secret')
    expect(errors).toEqual([failure])
  })

  it('passes the problem of a handler on', async () => {
    const server = serve({}, () => problem(422, { type: 'urn:x', title: 'Too long', limit: 280 }))
    expect(await problemOf(await post(server))).toEqual({ type: 'urn:x', status: 422, title: 'Too long', limit: 280 })
  })

  it('says that it is not there when the database is not', async () => {
    const server = serve({ database: { url: 'postgres://127.0.0.1:1/none' }, onError: () => {} })
    await expect(server.ready()).rejects.toMatchObject({ code: 'database-unavailable' })
    const response = await post(server)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await problemOf(response)).toMatchObject({ status: 503, type: 'urn:problem-type:holdfast:unavailable' })
  })

  it('closes after the requests under way, and refuses new ones', async () => {
    const gate = createGate()
    const entered = createGate()
    const server = serve({ database: memory }, async ({ tx }) => {
      entered.open()
      await gate.opened
      return { status: 200, json: await tx.query('select 1 as one') }
    })
    const running = post(server)
    await entered.opened
    let closed = false
    const closing = server.close().then(() => {
      closed = true
    })
    expect(await problemOf(await post(server))).toMatchObject({ status: 503 })
    expect(closed).toBe(false)
    gate.open()
    expect(await (await running).json()).toEqual([{ one: 1 }])
    await closing
    await expect(memory.query('select 1')).rejects.toThrow('closed')
  })
})

function createGate() {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}
