import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const children: ChildProcess[] = []
let dataDir = ''
let siteDir = ''

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'holdfast-main-'))
  siteDir = await mkdtemp(join(tmpdir(), 'holdfast-site-'))
  await writeFile(join(siteDir, 'index.html'), '<!doctype html>')
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const folder of [dataDir, siteDir]) await rm(folder, { recursive: true, force: true })
})

function start(env: Record<string, string>) {
  const { DATABASE_URL: _, ...clean } = process.env
  const child = spawn(process.execPath, ['--import', 'tsx', 'demo/server/main.ts'], {
    cwd: root,
    env: { ...clean, DATA_DIR: dataDir, SITE_DIR: siteDir, PORT: '0', ...env },
  })
  children.push(child)
  const said = { out: '', err: '' }
  child.stdout.on('data', chunk => {
    said.out += chunk
  })
  child.stderr.on('data', chunk => {
    said.err += chunk
  })
  return { child, said, closed: once(child, 'close') }
}

function loopbacks(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  return ['127.0.0.1', '::1'].filter(host => addresses.some(({ address }) => address === host))
}

async function listenOn(host: string): Promise<{ blocker: Server; port: number }> {
  const blocker = createServer().listen(0, host)
  await once(blocker, 'listening')
  return { blocker, port: Object(blocker.address()).port }
}

describe('the demo as a program', { timeout: 30_000 }, () => {
  it('prints one line when it is ready, ends on SIGTERM, and lets its folder go', async () => {
    const { child, said, closed } = start({})
    await expect.poll(() => said.out, { timeout: 20_000 }).toContain('\n')
    expect(said.out).toMatch(/^Holdfast demo: http:\/\/localhost:\d+ \(notes in .*\)\n$/)
    const url = /http:\S+/.exec(said.out)?.[0]
    expect((await fetch(`${url}/api/health`)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await closed).toEqual([0, null])
    expect(said.err).toBe('')
    expect(await readdir(dataDir)).toEqual(['pglite'])
  })

  it.each(loopbacks())('says that the port is in use, on %s', async host => {
    const { blocker, port } = await listenOn(host)
    const { said, closed } = start({ PORT: String(port) })
    expect(await closed).toEqual([1, null])
    expect(said).toEqual({ out: '', err: `Port ${port} is in use. Set PORT to another one, or to 0 for any.\n` })
    blocker.close()
  })

  it('says that the database does not answer', async () => {
    const { said, closed } = start({ DATABASE_URL: 'postgres://me:geheim@127.0.0.1:1/notes' })
    expect(await closed).toEqual([1, null])
    expect(said.out).toBe('')
    expect(said.err).toMatch(/^Failed to reach the database: PostgreSQL at 127\.0\.0\.1:1\/notes .*\n$/)
  })

  it('refuses a folder that another one has open', async () => {
    const first = start({})
    await expect.poll(() => first.said.out, { timeout: 20_000 }).toContain('\n')
    const second = start({})
    expect(await second.closed).toEqual([1, null])
    expect(second.said.err).toMatch(
      new RegExp(`^Failed to open the database: .* by process ${first.child.pid}\\..*\n$`),
    )
  })

  it('says that the demo is not built', async () => {
    const { said, closed } = start({ SITE_DIR: dataDir })
    expect(await closed).toEqual([1, null])
    expect(said.err).toBe(
      `There is no built demo in ${dataDir}. Build it first: npm run build && npm run build:demo.\n`,
    )
  })

  it('refuses a PORT that is none', async () => {
    const { said, closed } = start({ PORT: 'http' })
    expect(await closed).toEqual([1, null])
    expect(said.err).toBe('PORT is "http". Set it to a number from 0 to 65535.\n')
  })
})
