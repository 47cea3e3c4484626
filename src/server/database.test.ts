import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RunningPostgres, startPostgres, whyNoPostgres } from '../../scripts/with-postgres.ts'
import { openDatabase } from './database.ts'

const noPostgres = await whyNoPostgres()
if (noPostgres) console.warn(`The database contract is not run on PostgreSQL: ${noPostgres}`)

let postgres: RunningPostgres | undefined
let folder = ''

beforeAll(async () => {
  if (!noPostgres) postgres = await startPostgres()
}, 60_000)
afterAll(async () => {
  await postgres?.stop()
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-database-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe.each(['pglite', 'postgres'] as const)('a database of kind %s', kind => {
  const check = kind === 'postgres' && noPostgres ? it.skip : it
  const open = () => openDatabase(kind === 'postgres' ? { url: postgres?.url } : {})

  check('gives the same JavaScript values', async () => {
    const database = await open()
    const [row] = await database.query<{ bytes: Uint8Array }>(`
      select 1::int8 as small, 9007199254740993::int8 as large, 1.50::numeric as exact, true as yes, null as nothing,
        '{"a":[1]}'::jsonb as json, '2026-11-21T07:00:00Z'::timestamptz as at, '\\x0102'::bytea as bytes, 'é' as text`)
    expect({ ...row, bytes: [...(row?.bytes ?? [])] }).toEqual({
      small: 1,
      large: 9007199254740993n,
      exact: '1.50',
      yes: true,
      nothing: null,
      json: { a: [1] },
      at: new Date('2026-11-21T07:00:00Z'),
      bytes: [1, 2],
      text: 'é',
    })
    expect(await database.query('select 1 + $1::int as sum', [1])).toEqual([{ sum: 2 }])
    await database.close()
  })

  check('commits what is kept, and nothing else', async () => {
    const database = await open()
    await database.script('drop table if exists t; create table t (n integer)')
    const insert = (n: number, keep?: (result: number) => boolean) =>
      database.transaction(async tx => {
        await tx.query('insert into t values ($1)', [n])
        if (n === 3) throw new Error('no')
        return n
      }, keep)
    expect(await insert(1)).toBe(1)
    expect(await insert(2, () => false)).toBe(2)
    await expect(insert(3)).rejects.toThrow('no')
    expect(await database.query('select n from t')).toEqual([{ n: 1 }])
    await database.close()
    await database.close()
  })
})

describe('opening a database', () => {
  it('makes the folder with its parents, and keeps the data', async () => {
    const dataDir = join(folder, 'a', 'b')
    const first = await openDatabase({ dataDir })
    await first.script('create table t (n integer); insert into t values (7)')
    await first.close()
    const second = await openDatabase({ dataDir })
    expect(await second.query('select n from t')).toEqual([{ n: 7 }])
    await second.close()
    expect(await readdir(dataDir)).toEqual(['pglite'])
  })

  it('refuses a folder that is open already', async () => {
    const first = await openDatabase({ dataDir: folder })
    await expect(openDatabase({ dataDir: folder })).rejects.toMatchObject({
      code: 'database-in-use',
      message: `Failed to open the database: the folder ${folder} is in use by process ${process.pid}. Stop that process, or choose another folder.`,
    })
    await first.close()
    await (await openDatabase({ dataDir: folder })).close()
  })

  it('says when the files are damaged, and lets the folder go', async () => {
    await mkdir(join(folder, 'pglite'))
    await writeFile(join(folder, 'pglite', 'PG_VERSION'), 'nonsense')
    await expect(openDatabase({ dataDir: folder })).rejects.toMatchObject({
      code: 'database-unavailable',
      message: expect.stringMatching(/^Failed to open the database: the data in .* could not be read \(.+\)\. [^\n]*$/),
    })
    expect(await readdir(folder)).toEqual(['pglite'])
  })

  it('says when the folder cannot be made', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(openDatabase({ dataDir: join(folder, 'file', 'data') })).rejects.toMatchObject({
      code: 'database-unavailable',
    })
  })

  it('says when nothing listens at the url, without the password', async () => {
    const opening = openDatabase({ url: 'postgres://me:geheim@127.0.0.1:1/notes' })
    await expect(opening).rejects.toMatchObject({
      code: 'database-unavailable',
      message: expect.stringMatching(
        /^Failed to reach the database: PostgreSQL at 127\.0\.0\.1:1\/notes did not answer \(.*ECONNREFUSED.*\)/,
      ),
    })
    await expect(opening).rejects.not.toMatchObject({ message: expect.stringContaining('geheim') })
  })

  it('gives up within seconds on one that accepts and says nothing', async () => {
    const mute = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => mute.once('listening', resolve))
    const sockets = new Set<{ destroy(): void }>()
    mute.on('connection', socket => sockets.add(socket))
    const port = Object(mute.address()).port
    const started = performance.now()
    await expect(openDatabase({ url: `postgres://me@127.0.0.1:${port}/notes` })).rejects.toMatchObject({
      code: 'database-unavailable',
    })
    expect(performance.now() - started).toBeLessThan(7000)
    for (const socket of sockets) socket.destroy()
    mute.close()
  }, 10_000)

  it.each(['notes.db', 'http://localhost/notes', ''])('refuses the url %j', async url => {
    await expect(openDatabase({ url })).rejects.toMatchObject({ code: 'invalid-options' })
  })

  it.each([
    ['pg', { url: 'postgres://localhost/notes' }],
    ['@electric-sql/pglite', {}],
  ])('says that %s must be installed', async (name, options) => {
    vi.doMock(name, () => {
      throw new Error(`Cannot find package '${name}'`)
    })
    try {
      await expect(openDatabase(options)).rejects.toMatchObject({
        code: 'missing-dependency',
        hint: `Install it: npm install ${name}.`,
      })
    } finally {
      vi.doUnmock(name)
    }
  })
})
