import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { glob } from 'tinyglobby'
import { preview } from 'vite'

/** The apps in the folder `examples`. */
export const EXAMPLES = ['vanilla', 'react', 'beside-vite-plugin-pwa', 'own-worker'] as const

export type ExampleName = (typeof EXAMPLES)[number]

const ROOT = resolve(import.meta.dirname, '../..')
const CACHE = join(ROOT, '.cache/examples')

/**
 * Builds them all, each into the folder of its name, and gives the folder of these. It takes seconds, and the suites of
 * three browsers need it: what was built of the very same files is not built again.
 */
export async function buildExamples(): Promise<string> {
  const folder = join(CACHE, await hashOfSources())
  while (!existsSync(folder) && (await isBeingBuilt())) await sleep(100)
  if (existsSync(folder)) return folder
  const fresh = join(CACHE, UNFINISHED + process.pid)
  await mkdir(fresh, { recursive: true })
  await Promise.all(EXAMPLES.map(name => buildExample(name, join(fresh, name))))
  for (const name of await readdir(CACHE)) {
    if (!name.startsWith(UNFINISHED)) await rm(join(CACHE, name), { recursive: true })
  }
  await rename(fresh, folder)
  return folder
}

const UNFINISHED = 'unfinished-'

/** By another worker of the same suite. One that was killed has left its folder behind. */
async function isBeingBuilt(): Promise<boolean> {
  const names = await readdir(CACHE).catch(() => [])
  return names.some(name => name.startsWith(UNFINISHED) && isRunning(Number(name.slice(UNFINISHED.length))))
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function hashOfSources(): Promise<string> {
  const patterns = ['examples/**', 'dist/**/*.js', 'package-lock.json']
  const files = await glob(patterns, { cwd: ROOT, ignore: ['**/node_modules/**', 'examples/*/dist/**'] })
  const hash = createHash('sha256')
  for (const file of files.sort()) hash.update(`${file}\0`).update(await readFile(join(ROOT, file)))
  return hash.digest('hex').slice(0, 16)
}

/** As `npm run build` does it there. A process of its own: Vitest has NODE_ENV at `test`, and Vite would build for that. */
async function buildExample(name: ExampleName, outDir: string): Promise<void> {
  const { NODE_ENV: _test, ...env } = process.env
  const vite = join(ROOT, 'node_modules/vite/bin/vite.js')
  const args = [vite, 'build', '--outDir', outDir, '--emptyOutDir']
  await promisify(execFile)(process.execPath, args, { cwd: join(ROOT, 'examples', name), env })
}

export interface ServedExample {
  port: number
  /** The texts that the server has; asked from outside of the browser. */
  texts(): Promise<string[]>
  close(): Promise<void>
}

/** Serves one that is built, with its API, as `npm run preview` does it there. The server has no items. */
export async function serveExample(name: ExampleName, folder: string): Promise<ServedExample> {
  const server = await preview({
    root: join(ROOT, 'examples', name),
    logLevel: 'error',
    build: { outDir: join(folder, name) },
    preview: { host: '127.0.0.1', port: 0 },
  })
  const address = server.httpServer.address()
  if (typeof address !== 'object' || !address) throw new Error(`The example ${name} is not served.`)
  const { port } = address
  return {
    port,
    async texts() {
      const response = await fetch(`http://127.0.0.1:${port}/api/items`)
      const items: { text: string }[] = await response.json()
      return items.map(({ text }) => text)
    },
    close: () => server.close(),
  }
}
