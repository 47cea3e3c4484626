import { randomUUID } from 'node:crypto'
import pg from 'pg'

/**
 * Gives a test a database of its own on the server that `DATABASE_URL` names, so that tests can run beside each other.
 * Without that variable there is no URL, and the demo uses its embedded database.
 */
export async function withDatabase(
  serverUrl: string | undefined,
  work: (databaseUrl: string | undefined) => Promise<void>,
): Promise<void> {
  if (!serverUrl) return work(undefined)
  const name = `e2e_${randomUUID().replaceAll('-', '')}`
  await query(serverUrl, `create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  try {
    await work(url.href)
  } finally {
    await query(serverUrl, `drop database ${name} with (force)`)
  }
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
