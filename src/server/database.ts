import { HoldfastError } from '../protocol/errors.ts'
import { openPglite } from './pglite.ts'
import { openPostgres } from './postgres.ts'

/**
 * Where the server keeps its data. With `url`, a PostgreSQL server (`postgres://…`, needs the package `pg`). Without, an
 * embedded PostgreSQL (needs `@electric-sql/pglite`) in the folder `dataDir`, or in memory when that is missing too.
 */
export interface DatabaseOptions {
  url?: string
  dataDir?: string
}

/** What SQL can be run on: a database, or a transaction in it. */
export interface Queryable {
  /**
   * Runs one statement with its parameters (`$1`, `$2`, …) and gives its rows. Both kinds of database give the same
   * JavaScript values: `bigint` columns are numbers (a `bigint` beyond 2^53), `timestamptz` a `Date`, `json` its value,
   * `bytea` a `Uint8Array`, `numeric` a string.
   */
  query<Row extends object = Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<Row[]>
  /** Runs any number of statements, separated by `;`, without parameters. */
  script(sql: string): Promise<void>
}

/** One PostgreSQL, embedded or real, behind the few calls that the server needs. */
export interface Database extends Queryable {
  readonly kind: 'postgres' | 'pglite'
  /**
   * Runs `work` in one transaction (read committed). It is committed when `work` resolves to something that `keep`
   * accepts, and rolled back when `keep` refuses it or `work` rejects.
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>, keep?: (result: T) => boolean): Promise<T>
  close(): Promise<void>
}

/**
 * Opens the database and makes sure that it answers, within about five seconds.
 *
 * Rejects with a `HoldfastError`: `database-unavailable` when it does not answer or its files cannot be read,
 * `database-in-use` when another process has the folder open, `missing-dependency` when `pg` or `@electric-sql/pglite` is
 * not installed, `invalid-options` when `url` is no PostgreSQL address.
 *
 * @example
 * const database = await openDatabase({ dataDir: './.data' })
 * await database.query('select 1 + $1::int as sum', [1]) // [{ sum: 2 }]
 */
export async function openDatabase({ url, dataDir }: DatabaseOptions): Promise<Database> {
  return url === undefined ? await openPglite(dataDir) : await openPostgres(url)
}

/** Says whether a failure is one of the moment, so that the same write may well succeed when it is sent again. */
export function isPassing(error: unknown): boolean {
  if (error instanceof HoldfastError) return error.code === 'database-unavailable'
  return PASSING_SQLSTATE.test(sqlStateOf(error))
}

// Connection lost (08), serialization failure and deadlock (40), out of resources (53), lock not available in time
// (55P03), and the server going down or coming up (57P): PostgreSQL manual, appendix A.
const PASSING_SQLSTATE = /^(?:08...|40001|40P01|53...|55P03|57P0[1-3])$/

function sqlStateOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
