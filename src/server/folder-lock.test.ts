import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockFolder } from './folder-lock.ts'

let folder = ''
const file = () => join(folder, 'holdfast.lock')

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-lock-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('the lock of a folder', () => {
  it('names the process, is held by one, and goes', async () => {
    const unlock = await lockFolder(folder)
    expect(await readFile(file(), 'utf8')).toMatch(new RegExp(`^${process.pid}\\b`))
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: 'database-in-use' })
    await unlock()
    expect(await readdir(folder)).toEqual([])
  })

  it('is refused while another process lives, and taken over when it died', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    await once(other, 'spawn')
    await writeFile(file(), String(other.pid))
    await expect(lockFolder(folder)).rejects.toThrow(`in use by process ${other.pid}`)
    other.kill('SIGKILL')
    await once(other, 'exit')
    await (await lockFolder(folder))()
    expect(await readdir(folder)).toEqual([])
  })

  it.runIf(process.platform === 'linux')('is taken over when a new process has the old number', async () => {
    await writeFile(file(), `${process.pid} 1`)
    await (await lockFolder(folder))()
  })

  it('is taken over when the file says nothing', async () => {
    await writeFile(file(), '')
    await (await lockFolder(folder))()
  })

  it('is taken over by one of many that come at once', async () => {
    await writeFile(file(), '999999999')
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => lockFolder(folder)))
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('is not removed when somebody else has it', async () => {
    const unlock = await lockFolder(folder)
    await writeFile(file(), '1 1')
    await unlock()
    expect(await readFile(file(), 'utf8')).toBe('1 1')
  })
})
