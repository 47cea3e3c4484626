import { type Context, Hono } from 'hono'
import {
  IDEMPOTENCY_KEY_HEADER,
  IDEMPOTENCY_REPLAYED_HEADER,
  parseIdempotencyKey,
} from '../protocol/idempotency-key.ts'
import { type Answer, type EncodedAnswer, encodeAnswer, toResponse } from './answer.ts'
import { type BatchOptions, type BatchSettings, batchSettings, withBatch } from './batch.ts'
import { type Database, type DatabaseOptions, isPassing, openDatabase, type Queryable } from './database.ts'
import { fingerprintOf, IDEMPOTENCY_TABLE, isEffect, runOnce } from './idempotency.ts'
import { PROBLEM_TYPES, problem } from './problem.ts'
import { readBody } from './request-body.ts'
import type { ReadHandler, RequestInfo, Routes, WriteContext, WriteHandler } from './routes.ts'

export interface SyncServerOptions {
  /** Where the data is kept: how to open it, or an open database, which `close()` then closes too. */
  database: DatabaseOptions | Database
  /** SQL that is run at every start, in one transaction: write it as `create table if not exists …`. */
  tables?: string[]
  routes: (routes: Routes) => void
  /** Larger bodies are answered 413. Default 10 MiB. */
  maxBodyBytes?: number
  /** Answer 400 to a write without an `Idempotency-Key`. Default false: it is done as often as it arrives. */
  requireKey?: boolean
  /** Whose keys these are: an account, a tenant. Default: all keys share one scope. */
  scope?: (request: Request) => string | Promise<string>
  /** Where several writes can be sent in one request: a path such as `/api/batch`. Default: nowhere. */
  batch?: string | BatchOptions
  /** Hears what a handler or the database threw; the client only gets a 500 or 503. Default: `console.error`. */
  onError?: (error: unknown, request: Request) => void
}

export interface SyncServer {
  /** Resolves when the database is open and its tables are there. Rejects with what `openDatabase` rejects with. */
  ready(): Promise<void>
  /** Answers a request. Never rejects: whatever goes wrong is an answer of type `application/problem+json`. */
  fetch(request: Request): Promise<Response>
  /** Refuses new requests (503), waits for those under way, and closes the database. */
  close(): Promise<void>
}

/**
 * Makes a server that does each write once, however often it arrives. It speaks `Request` and `Response`, so that it runs
 * behind any server of Node. A write with an `Idempotency-Key` runs in one transaction with its key and its answer; see
 * `holdfast_idempotency` in the database. Same key and same request: the stored answer, with `Idempotency-Replayed: true`.
 * Same key and another request: 422. Answers of 400 and more are rolled back, and not stored. A duplicate that waits more
 * than ten seconds for the first, and a database that is busy or away, is 503 with `Retry-After`.
 *
 * @example
 * const server = createSyncServer({
 *   database: { dataDir: './.data' },
 *   tables: ['create table if not exists notes (id text primary key, text text not null)'],
 *   routes: routes => {
 *     routes.read('GET', '/api/notes', async ({ db }) => ({ status: 200, json: await db.query('select * from notes') }))
 *     routes.write('POST', '/api/notes', async ({ json, tx }) => {
 *       const { id, text } = json() as { id: string; text: string }
 *       await tx.query('insert into notes (id, text) values ($1, $2)', [id, text])
 *       return { status: 201, json: { id, text } }
 *     })
 *   },
 * })
 * await server.ready()
 * const response = await server.fetch(new Request('http://localhost/api/notes'))
 */
export function createSyncServer(options: SyncServerOptions): SyncServer {
  const batch = options.batch === undefined ? undefined : batchSettings(options.batch)
  const database = openWithTables(options)
  // Whoever calls ready() or fetch() hears of a failure. Without this line it would end the process before they can.
  database.catch(() => {})
  const answer = answerOf(options, database, batch)
  const underWay = new Set<Promise<unknown>>()
  let closed: Promise<void> | undefined
  return {
    ready: async () => {
      await database
    },
    fetch: async request => {
      if (closed) return respond(unavailable('The server is closing'))
      const response = Promise.resolve(answer(request))
      underWay.add(response)
      return await response.finally(() => underWay.delete(response))
    },
    close: () => {
      closed ??= closeAfter(underWay, database)
      return closed
    },
  }
}

function answerOf(options: SyncServerOptions, database: Promise<Database>, batch: BatchSettings | undefined) {
  const app = appOf(options, database)
  const answer = (request: Request) => app.fetch(request)
  return batch ? withBatch(answer, batch) : answer
}

async function openWithTables({ database: from, tables = [] }: SyncServerOptions): Promise<Database> {
  const database = 'query' in from ? from : await openDatabase(from)
  try {
    await database.transaction(async tx => {
      // "if not exists" alone does not hold for two servers that start at once on one database.
      await tx.query('select pg_advisory_xact_lock($1)', [TABLES_LOCK])
      for (const sql of [IDEMPOTENCY_TABLE, ...tables]) await tx.script(sql)
    })
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

// Any number will do, as long as all servers of Holdfast take the same: "hold" in ASCII.
const TABLES_LOCK = 0x686f6c64

async function closeAfter(underWay: Set<Promise<unknown>>, database: Promise<Database>): Promise<void> {
  await Promise.allSettled(underWay)
  const opened = await database.catch(() => undefined)
  await opened?.close()
}

function appOf(options: SyncServerOptions, database: Promise<Database>): Hono {
  const app = new Hono()
  const onError = options.onError ?? (error => console.error(error))
  options.routes({
    read: (method, path, handler) => app.on(method, path, async c => await answerRead(c, await database, handler)),
    write: (method, path, handler) => app.on(method, path, c => answerWrite(c, database, handler, options)),
  })
  app.notFound(c => respond(problem(404, { title: 'There is nothing at this address', instance: c.req.path })))
  app.onError((error, c) => {
    if (error instanceof MalformedBody) return respond(error.answer)
    onError(error, c.req.raw)
    if (isPassing(error)) return respond(unavailable('The database is busy or away'))
    return respond(problem(500, { title: 'Something went wrong on the server' }))
  })
  return app
}

async function answerRead(c: Context, db: Database, handler: ReadHandler): Promise<Response> {
  return respond(await handler({ ...infoOf(c), db }))
}

async function answerWrite(
  c: Context,
  opening: Promise<Database>,
  handler: WriteHandler,
  { maxBodyBytes = 10 * 1024 * 1024, requireKey = false, scope = () => '' }: SyncServerOptions,
): Promise<Response> {
  const request = c.req.raw
  const key = keyOf(request, requireKey)
  if (key.kind === 'refused') return respond(key.answer)
  const body = await readBody(request, maxBodyBytes)
  if (body.kind === 'too-large') return respond(tooLarge(maxBodyBytes))
  // 408 and not 400: whoever still hears this, a proxy, may send it again.
  if (body.kind === 'cut-off') return respond(problem(408, { title: 'The body did not arrive whole' }))

  const database = await opening
  const work = async (tx: Queryable) => encodeAnswer(await handler(writeContext(infoOf(c), body.bytes, tx)))
  if (key.kind === 'none') return toResponse(await database.transaction(work, isEffect))
  const fingerprint = fingerprintOf(request, body.bytes)
  const outcome = await runOnce(database, { scope: await scope(request), key: key.key, fingerprint }, work)
  return outcome.kind === 'reused' ? respond(keyReused()) : toResponse(markReplay(outcome))
}

type KeyRead = { kind: 'key'; key: string } | { kind: 'none' } | { kind: 'refused'; answer: Answer }

function keyOf(request: Request, required: boolean): KeyRead {
  const value = request.headers.get(IDEMPOTENCY_KEY_HEADER)
  if (value === null) return required ? { kind: 'refused', answer: keyMissing() } : { kind: 'none' }
  const key = parseIdempotencyKey(value)
  return key === undefined ? { kind: 'refused', answer: keyMalformed() } : { kind: 'key', key }
}

function markReplay({ answer, replayed }: { answer: EncodedAnswer; replayed: boolean }): EncodedAnswer {
  if (!replayed) return answer
  return { ...answer, headers: { ...answer.headers, [IDEMPOTENCY_REPLAYED_HEADER]: 'true' } }
}

function infoOf(c: Context): RequestInfo {
  const { method, url, headers } = c.req.raw
  return { method, url: new URL(url), headers, params: c.req.param() }
}

function writeContext(info: RequestInfo, body: Uint8Array<ArrayBuffer>, tx: Queryable): WriteContext {
  const text = () => new TextDecoder().decode(body)
  const headers = { 'content-type': info.headers.get('content-type') ?? '' }
  return {
    ...info,
    body,
    tx,
    text,
    json: () => {
      try {
        return JSON.parse(text())
      } catch (cause) {
        throw new MalformedBody('JSON', cause)
      }
    },
    form: () =>
      new Response(body, { headers }).formData().catch(cause => Promise.reject(new MalformedBody('a form', cause))),
  }
}

class MalformedBody extends Error {
  readonly answer: Answer

  constructor(expected: string, cause: unknown) {
    super(`The body is not ${expected}`, { cause })
    this.answer = problem(400, { type: PROBLEM_TYPES.bodyMalformed, title: `The body is not ${expected}` })
  }
}

function respond(answer: Answer): Response {
  return toResponse(encodeAnswer(answer))
}

function unavailable(title: string): Answer {
  return problem(503, { type: PROBLEM_TYPES.unavailable, title }, { 'retry-after': '1' })
}

function tooLarge(maxBytes: number): Answer {
  const title = 'The body is too large'
  return problem(413, {
    type: PROBLEM_TYPES.bodyTooLarge,
    title,
    detail: `At most ${maxBytes} bytes are taken.`,
    maxBytes,
  })
}

function keyMissing(): Answer {
  return problem(400, {
    type: PROBLEM_TYPES.keyMissing,
    title: 'This write needs an Idempotency-Key',
    detail: 'Send a fresh UUID in the Idempotency-Key field, and the same one whenever the same write is sent again.',
  })
}

function keyMalformed(): Answer {
  return problem(400, {
    type: PROBLEM_TYPES.keyMalformed,
    title: 'The Idempotency-Key cannot be read',
    detail: 'It is a string of 1 to 255 printable ASCII characters, best in double quotes.',
  })
}

function keyReused(): Answer {
  return problem(422, {
    type: PROBLEM_TYPES.keyReused,
    title: 'This Idempotency-Key belongs to another write',
    detail: 'Another method, address, content type or body came with it before. Use a fresh key for a new write.',
  })
}
