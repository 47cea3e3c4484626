import type { CustomTypesConfig, Pool, PoolClient, PoolConfig, QueryResult } from 'pg'
import { HoldfastError } from '../protocol/errors.ts'
import type { Database, Queryable } from './database.ts'
import { loadDependency } from './dependency.ts'

type Pg = typeof import('pg')

const ANSWER_WITHIN_MS = 5000
const WAIT_FOR_LOCK_MS = 10_000

/** Opens a real PostgreSQL through a pool of connections. See `openDatabase`. */
export async function openPostgres(url: string): Promise<Database> {
  const address = addressOf(url)
  const { default: pg } = await loadDependency('pg', () => import('pg'))
  const pool = new pg.Pool(poolConfig(pg, url))
  // Without a listener, a connection that breaks while nobody uses it would end the process. The next query reports it.
  pool.on('error', () => {})
  const database = databaseOn(pool, address)
  try {
    await withinTime(database.query('select 1'), address)
  } catch (error) {
    await closeQuietly(pool)
    throw error instanceof HoldfastError ? error : unavailable(address, error)
  }
  return database
}

function databaseOn(pool: Pool, address: string): Database {
  const connect = () => pool.connect().catch(error => Promise.reject(unavailable(address, error)))
  let closed: Promise<void> | undefined
  return {
    kind: 'postgres',
    query: (sql, params) => withClient(connect, client => queryableOn(client).query(sql, params)),
    script: sql => withClient(connect, client => queryableOn(client).script(sql)),
    transaction: (work, keep = () => true) => withClient(connect, client => inTransaction(client, work, keep)),
    close: () => {
      closed ??= pool.end()
      return closed
    },
  }
}

async function withClient<T>(connect: () => Promise<PoolClient>, use: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await connect()
  let broken: Error | undefined
  const onError = (error: Error) => {
    broken = error
  }
  client.on('error', onError)
  try {
    return await use(client)
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

async function inTransaction<T>(
  client: PoolClient,
  work: (tx: Queryable) => Promise<T>,
  keep: (result: T) => boolean,
): Promise<T> {
  await client.query('begin isolation level read committed')
  try {
    const result = await work(queryableOn(client))
    if (keep(result)) await commit(client)
    else await client.query('rollback')
    return result
  } catch (error) {
    // The connection may be gone; then the server has rolled back by itself, and the first error is the one to tell.
    await client.query('rollback').catch(() => {})
    throw error
  }
}

// PostgreSQL answers COMMIT with ROLLBACK, and no error, when a statement has failed before and the failure was swallowed.
async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('commit')
  if (command !== 'COMMIT') throw new Error('Transaction was rolled back instead of committed')
}

function queryableOn(client: PoolClient): Queryable {
  return {
    query: async <Row extends object>(sql: string, params: readonly unknown[] = []) => {
      const { rows }: QueryResult<Row> = await client.query<Row>(sql, [...params])
      return rows
    },
    script: async sql => {
      await client.query(sql)
    },
  }
}

function poolConfig(pg: Pg['default'], url: string): PoolConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: ANSWER_WITHIN_MS,
    // A duplicate waits on the unique index while the first still runs. It must not hold its connection for ever.
    lock_timeout: WAIT_FOR_LOCK_MS,
    types: typesLikePglite(pg),
  }
}

// `pg` reads int8 as a string, PGlite as a number. The same SQL must give the same values on both.
function typesLikePglite(pg: Pg['default']): CustomTypesConfig {
  const { types } = pg
  return {
    getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
      oid === types.builtins.INT8 && format !== 'binary'
        ? readInt8
        : types.getTypeParser(oid, format as 'text')) as CustomTypesConfig['getTypeParser'],
  }
}

function readInt8(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

// connectionTimeoutMillis ends with the handshake. A proxy that then swallows the first query would hold the start for ever.
async function withinTime<T>(work: Promise<T>, address: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(unavailable(address, new Error('no answer in time'))), ANSWER_WITHIN_MS + 500)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

async function closeQuietly(pool: Pool): Promise<void> {
  // Not awaited to its end: a connection that hangs would hold it, and the caller is about to hear why.
  pool.end().catch(() => {})
}

function unavailable(address: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'database-unavailable',
    action: 'reach the database',
    reason: `PostgreSQL at ${address} did not answer (${reasonOf(cause)})`,
    hint: 'Check the address, and that it is running.',
    cause,
  })
}

// Node joins the failures of several addresses in an AggregateError with an empty message, but with a code.
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause ? String(cause.code) : ''
  return (cause.message || code || cause.name).split('\n', 1)[0] ?? code
}

// Never the whole url: it holds a password.
function addressOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed && /^postgres(?:ql)?:$/.test(parsed.protocol)) return `${parsed.host}${parsed.pathname}`
  throw new HoldfastError({
    code: 'invalid-options',
    action: 'open the database',
    reason: 'its url is not the address of a PostgreSQL',
    hint: 'Write it as postgres://user:password@host:5432/database.',
  })
}
