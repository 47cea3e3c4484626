import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RunningPostgres, startPostgres, whyNoPostgres } from '../../scripts/with-postgres.ts'
import { type Database, openDatabase, type Queryable } from './database.ts'
import type { WriteHandler } from './routes.ts'
import { createSyncServer, type SyncServer, type SyncServerOptions } from './sync-server.ts'

const noPostgres = await whyNoPostgres()
if (noPostgres) console.warn(`The idempotency contract is not run on PostgreSQL: ${noPostgres}`)

const EFFECTS = 'create table if not exists effects (n integer generated always as identity, text text not null)'

let postgres: RunningPostgres | undefined
const shared = new Map<Database['kind'], Database>()
const open: { close(): Promise<void> }[] = []

beforeAll(async () => {
  shared.set('pglite', await openDatabase({}))
  if (noPostgres) return
  postgres = await startPostgres()
  shared.set('postgres', await openDatabase({ url: postgres.url }))
}, 60_000)
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})
afterAll(async () => {
  for (const database of shared.values()) await database.close()
  await postgres?.stop()
})

// One database per kind for the whole file, emptied: opening PGlite takes a second. Closing a server leaves it open.
async function openEmpty(kind: Database['kind']): Promise<Database> {
  const database = shared.get(kind)
  if (!database) throw new Error(`There is no ${kind}`)
  await database.script('drop table if exists holdfast_idempotency; drop table if exists effects')
  return { ...database, close: async () => {} }
}

function serve(database: SyncServerOptions['database'], write: WriteHandler, more: Partial<SyncServerOptions> = {}) {
  const server = createSyncServer({
    database,
    tables: [EFFECTS],
    onError: () => {},
    routes: routes => routes.write('POST', '/effects', write),
    ...more,
  })
  open.push(server)
  return server
}

async function effect(tx: Queryable, text: string) {
  const [row] = await tx.query<{ n: number }>('insert into effects (text) values ($1) returning n', [text])
  return { status: 201, json: { n: row?.n, text }, headers: { etag: `"${row?.n}"` } }
}

const insertBody: WriteHandler = ({ tx, text }) => effect(tx, text())

function post(server: SyncServer, { key = 'k1', body = 'hello', path = '/effects', type = 'text/plain' } = {}) {
  const headers = { 'idempotency-key': `"${key}"`, 'content-type': type }
  return server.fetch(new Request(`http://localhost${path}`, { method: 'POST', headers, body }))
}

async function effectsIn(database: Database): Promise<string[]> {
  return (await database.query<{ text: string }>('select text from effects order by n')).map(({ text }) => text)
}

describe.each(['pglite', 'postgres'] as const)('a write with an idempotency key, on %s', kind => {
  const check = kind === 'postgres' && noPostgres ? it.skip : it

  check('happens once for 20 posts at once, and all get the same answer', async () => {
    const database = await openEmpty(kind)
    const server = serve(database, insertBody)
    const responses = await Promise.all(Array.from({ length: 20 }, () => post(server)))
    const answers = await Promise.all(responses.map(async r => [r.status, r.headers.get('etag'), await r.text()]))
    expect(new Set(answers.map(String)).size).toBe(1)
    expect(answers[0]?.[0]).toBe(201)
    expect(responses.filter(r => r.headers.get('idempotency-replayed') === 'true')).toHaveLength(19)
    expect(await effectsIn(database)).toEqual(['hello'])
  })

  check('leaves other keys alone', async () => {
    const database = await openEmpty(kind)
    const server = serve(database, insertBody)
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => post(server, { key: `k${n}` })))
    expect(all.map(r => r.status)).toEqual(Array(20).fill(201))
    expect(await effectsIn(database)).toHaveLength(20)
  })

  check('is replayed to the byte, with its headers', async () => {
    const server = serve(await openEmpty(kind), insertBody)
    const first = await post(server)
    const again = await post(server)
    expect(first.headers.has('idempotency-replayed')).toBe(false)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
    expect(again.headers.get('content-type')).toBe('application/json')
    expect(await again.bytes()).toEqual(await first.bytes())
  })

  check('is replayed when its answer has no body', async () => {
    const server = serve(await openEmpty(kind), async () => ({ status: 204 }))
    await post(server)
    const again = await post(server)
    expect([again.status, again.headers.get('idempotency-replayed'), await again.text()]).toEqual([204, 'true', ''])
  })

  check('is refused with 422 when the key comes with another request', async () => {
    const database = await openEmpty(kind)
    const server = serve(database, insertBody)
    await post(server)
    for (const other of [{ body: 'other' }, { path: '/effects?x=1' }, { type: 'text/html' }]) {
      const response = await post(server, other)
      expect([response.status, response.headers.get('content-type')]).toEqual([422, 'application/problem+json'])
      expect(await response.json()).toMatchObject({
        type: 'urn:problem-type:holdfast:idempotency-key-reused',
        status: 422,
      })
    }
    expect(await effectsIn(database)).toEqual(['hello'])
  })

  check('leaves nothing behind when the handler throws, and may be sent again', async () => {
    const database = await openEmpty(kind)
    let crash = true
    const server = serve(database, async ({ tx, text }) => {
      const answer = await effect(tx, text())
      if (crash) throw new Error('secret: the disk is on fire')
      return answer
    })
    const failed = await post(server)
    expect(failed.status).toBe(500)
    expect(await failed.text()).not.toContain('secret')
    expect(await effectsIn(database)).toEqual([])
    expect(await database.query('select * from holdfast_idempotency')).toEqual([])

    crash = false
    const retried = await post(server)
    expect([retried.status, retried.headers.get('idempotency-replayed')]).toEqual([201, null])
    expect(await effectsIn(database)).toEqual(['hello'])
  })

  check('rolls back and forgets an answer of 400 or more', async () => {
    const database = await openEmpty(kind)
    let status = 409
    const server = serve(database, async ({ tx, text }) => ({ ...(await effect(tx, text())), status }))
    expect((await post(server)).status).toBe(409)
    expect(await effectsIn(database)).toEqual([])
    status = 200
    expect((await post(server)).status).toBe(200)
    expect(await effectsIn(database)).toEqual(['hello'])
  })

  check('does not claim success when the transaction could not be committed', async () => {
    const database = await openEmpty(kind)
    const server = serve(database, async ({ tx, text }) => {
      const answer = await effect(tx, text())
      await tx.query('select 1 / 0').catch(() => {})
      return answer
    })
    expect((await post(server)).status).toBe(500)
    const noKey = await server.fetch(new Request('http://localhost/effects', { method: 'POST', body: 'x' }))
    expect(noKey.status).toBe(500)
    expect(await effectsIn(database)).toEqual([])
  })

  check('waits for the first while that still runs, then gets its answer', async () => {
    const database = await openEmpty(kind)
    const gate = createGate()
    const entered = createGate()
    const server = serve(database, async ({ tx, text }) => {
      const answer = await effect(tx, text())
      entered.open()
      await gate.opened
      return answer
    })
    const first = post(server)
    await entered.opened
    let answered = false
    const duplicate = post(server).finally(() => {
      answered = true
    })
    await untilWaiting(kind)
    expect(answered).toBe(false)
    gate.open()
    expect(await (await duplicate).text()).toBe(await (await first).text())
    expect(await effectsIn(database)).toEqual(['hello'])
  })

  check('keeps keys of different scopes apart', async () => {
    const database = await openEmpty(kind)
    const server = serve(database, insertBody, { scope: request => request.headers.get('content-type') ?? '' })
    await post(server)
    expect((await post(server, { type: 'text/html' })).status).toBe(201)
    expect(await effectsIn(database)).toHaveLength(2)
  })

  check('is replayed after a restart', async () => {
    await openEmpty(kind)
    const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-restart-'))
    const where = kind === 'postgres' ? { url: postgres?.url } : { dataDir: join(dataDir, 'deep', 'down') }
    try {
      const before = serve(where, insertBody)
      const first = await (await post(before)).text()
      await before.close()
      const after = serve(where, insertBody)
      const again = await post(after)
      expect([again.headers.get('idempotency-replayed'), await again.text()]).toEqual(['true', first])
      await after.close()
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})

describe('two servers on one PostgreSQL', () => {
  const check = noPostgres ? it.skip : it

  check('may start at once, and do one write once', async () => {
    await openEmpty('postgres')
    const servers = Array.from({ length: 4 }, () => serve({ url: postgres?.url }, insertBody))
    await Promise.all(servers.map(server => server.ready()))
    const responses = await Promise.all(servers.flatMap(server => [post(server), post(server), post(server)]))
    expect(new Set(await Promise.all(responses.map(r => r.text()))).size).toBe(1)
    const database = await openDatabase({ url: postgres?.url })
    open.push(database)
    expect(await effectsIn(database)).toEqual(['hello'])
  })
})

// On PostgreSQL, until a backend really waits for the other's row. PGlite runs one transaction at a time: there is nothing
// to see, and a few turns of the event loop are what a wrong answer would need.
async function untilWaiting(kind: Database['kind']): Promise<void> {
  if (kind === 'pglite') {
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
    return
  }
  const watch = await openDatabase({ url: postgres?.url })
  open.push(watch)
  await expect
    .poll(() => watch.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock'`), { timeout: 5000 })
    .toHaveLength(1)
}

function createGate() {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}
