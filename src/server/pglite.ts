import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PGlite, Transaction } from '@electric-sql/pglite'
import { HoldfastError } from '../protocol/errors.ts'
import type { Database, Queryable } from './database.ts'
import { loadDependency } from './dependency.ts'
import { lockFolder } from './folder-lock.ts'

/**
 * Opens the embedded PostgreSQL: in `dataDir/pglite`, beside the lock file that keeps a second process away, or in memory.
 * See `openDatabase`.
 */
export async function openPglite(dataDir: string | undefined): Promise<Database> {
  const module = await loadDependency('@electric-sql/pglite', () => import('@electric-sql/pglite'))
  if (dataDir === undefined) return databaseOn(await module.PGlite.create(), async () => {})
  await makeFolder(dataDir)
  const unlock = await lockFolder(dataDir)
  try {
    return databaseOn(await module.PGlite.create(join(dataDir, 'pglite')), unlock)
  } catch (cause) {
    await unlock()
    throw unreadable(dataDir, cause)
  }
}

function databaseOn(pglite: PGlite, unlock: () => Promise<void>): Database {
  let closed: Promise<void> | undefined
  return {
    kind: 'pglite',
    ...queryableOn(pglite),
    transaction: (work, keep = () => true) => inTransaction(pglite, work, keep),
    close: () => {
      closed ??= pglite.close().finally(unlock)
      return closed
    },
  }
}

async function inTransaction<T>(
  pglite: PGlite,
  work: (tx: Queryable) => Promise<T>,
  keep: (result: T) => boolean,
): Promise<T> {
  return await pglite.transaction(async tx => {
    const result = await work(queryableOn(tx))
    if (!keep(result)) await tx.rollback()
    return result
  })
}

function queryableOn(on: PGlite | Transaction): Queryable {
  return {
    query: async <Row extends object>(sql: string, params: readonly unknown[] = []) => {
      const { rows } = await on.query<Row>(sql, [...params])
      return rows
    },
    script: async sql => {
      await on.exec(sql)
    },
  }
}

async function makeFolder(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true }).catch(cause => Promise.reject(unreadable(dataDir, cause)))
}

function unreadable(dataDir: string, cause: unknown): HoldfastError {
  const reason = cause instanceof Error ? (cause.message.split('\n', 1)[0] ?? cause.name) : String(cause)
  return new HoldfastError({
    code: 'database-unavailable',
    action: 'open the database',
    reason: `the data in ${dataDir} could not be read (${reason})`,
    hint: 'Check that the folder may be written, restore it from a copy, or choose another one.',
    cause,
  })
}
