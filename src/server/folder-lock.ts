import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../protocol/errors.ts'

/**
 * Takes a folder for this process alone, by a file in it that names the process; two processes in one embedded database
 * would destroy it. A file that a dead process left is taken over. Rejects with code `database-in-use` when the owner
 * lives. Gives the function that lets the folder go.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, 'holdfast.lock')
  const mine = await nameOf(process.pid)
  for (let tries = 0; tries < 3; tries++) {
    if (await create(file, mine)) return () => release(file, mine)
    const found = await read(file)
    if (found === undefined) continue
    if (await isAlive(found)) throw inUse(folder, found)
    await takeAway(file, found)
  }
  throw inUse(folder, 'another process')
}

// Written aside first and then linked: a file under its final name always has its content, and only one link succeeds.
async function create(file: string, content: string): Promise<boolean> {
  const aside = asideOf(file)
  try {
    await writeFile(aside, content)
    await link(aside, file)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await rm(aside, { force: true })
  }
}

async function release(file: string, mine: string): Promise<void> {
  if ((await read(file)) === mine) await rm(file, { force: true })
}

// Two processes may find the same dead owner. Renaming is atomic, so that one of them moves the old file; when it was the
// other's new file instead, it goes back.
async function takeAway(file: string, expected: string): Promise<void> {
  const aside = asideOf(file)
  await rename(file, aside).catch(ignoreMissing)
  const moved = await read(aside)
  if (moved !== undefined && moved !== expected) await link(aside, file).catch(() => {})
  await rm(aside, { force: true })
}

function asideOf(file: string): string {
  return `${file}.${randomUUID()}`
}

async function isAlive(name: string): Promise<boolean> {
  const pid = Number(name.split(' ', 1)[0])
  if (!Number.isInteger(pid) || pid <= 0 || !hasProcess(pid)) return false
  const now = await nameOf(pid)
  // A pid comes again: in a container the server is number 1 on every start. Where the start time is known, it decides.
  return !(name.includes(' ') && now.includes(' ')) || name === now
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return isCode(error, 'EPERM')
  }
}

// "<pid> <start time>" on Linux, "<pid>" elsewhere. The start time is field 22 of /proc/<pid>/stat, see proc(5); the name
// of the program before it may hold spaces and brackets.
async function nameOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return startTime === undefined ? String(pid) : `${pid} ${startTime}`
}

async function read(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch(ignoreMissing)
}

function ignoreMissing(error: unknown): undefined {
  if (!isCode(error, 'ENOENT')) throw error
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function inUse(folder: string, owner: string): HoldfastError {
  return new HoldfastError({
    code: 'database-in-use',
    action: 'open the database',
    reason: `the folder ${folder} is in use by process ${owner.split(' ', 1)[0]}`,
    hint: 'Stop that process, or choose another folder.',
  })
}
