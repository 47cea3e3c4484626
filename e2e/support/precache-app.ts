import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, extname, join, resolve } from 'node:path'
import type { Page } from '@playwright/test'
import { test as base, expect } from 'holdfast/playwright'
import { holdfast } from 'holdfast/vite'
import { build } from 'vite'
import type {} from './update-app.ts'

export { expect } from 'holdfast/playwright'

declare global {
  interface Window {
    /** Loads a part of the app that comes later, and gives its text. */
    part: (name: 'late' | 'same' | 'rare') => Promise<string>
    /** The address of a file that has a hash in its name and is not precached. */
    film: string
  }
}

export type Version = 1 | 2 | 3

/** Answers in place of the app's server; what it does not end itself is answered as ever. */
export type Interference = (path: string, response: ServerResponse) => unknown

export interface AppServer {
  url: string
  /** The paths that it was asked for, in order. */
  asked: string[]
  deploy(version: Version): void
  /** The paths of the files of a version, without the worker. */
  filesOf(version: Version): Promise<string[]>
  /** Those of a version that are not the same in another one. */
  changed(from: Version, to: Version): Promise<string[]>
  /** The content of a file of a version. */
  read(version: Version, path: string): Promise<Buffer | undefined>
  /** Without an argument nothing comes between any more. */
  interfere(by?: Interference): void
}

interface WorkerFixtures {
  /** Bytes that the second and third version have in addition, in files of 500 kB. */
  weight: number
  versions: string
}

/** An app in three versions that follows its updates; the server has the first until another one is deployed. */
export const test = base.extend<{ server: AppServer }, WorkerFixtures>({
  weight: [0, { scope: 'worker', option: true }],
  versions: [
    async ({ weight }, use) => {
      const root = await mkdtemp(join(tmpdir(), 'holdfast-precache-'))
      for (const version of [1, 2, 3] as const) await buildVersion(join(root, String(version)), version, weight)
      await use(root)
      await rm(root, { recursive: true, force: true })
    },
    { scope: 'worker' },
  ],
  server: async ({ versions }, use) => {
    const state: { version: Version; by?: Interference } = { version: 1 }
    const asked: string[] = []
    const read = (version: Version, path: string) =>
      readFile(join(versions, String(version), 'dist', path === '/' ? 'index.html' : path)).catch(() => undefined)
    const http = createServer(async (request, response) => {
      const path = pathOf(request)
      asked.push(path)
      await state.by?.(path, response)
      if (response.writableEnded || response.destroyed || HELD.has(response)) return
      answer(path, await read(state.version, path), response)
    })
    await new Promise<void>(done => http.listen(0, 'localhost', done))
    const filesOf = async (version: Version): Promise<string[]> =>
      JSON.parse(await readFile(join(versions, String(version), 'files.json'), 'utf8'))
    const isChanged = async (path: string, from: Version, to: Version) => {
      const [before, after] = [await read(from, path), await read(to, path)]
      return !before || !after || !before.equals(after)
    }
    await use({
      url: `http://localhost:${(http.address() as AddressInfo).port}/`,
      asked,
      read,
      deploy: version => {
        state.version = version
      },
      filesOf,
      async changed(from, to) {
        const paths: string[] = []
        for (const path of await filesOf(to)) if (await isChanged(path, from, to)) paths.push(path)
        return paths
      },
      interfere: by => {
        state.by = by
      },
    })
    http.closeAllConnections()
    http.close()
  },
  baseURL: ({ server }, use) => use(server.url),
})

const HELD = new WeakSet<ServerResponse>()

/** Leaves this request without an answer, until the test ends it. */
export function hold(response: ServerResponse): void {
  HELD.add(response)
}

const TYPES: Record<string, string> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
}

function answer(path: string, content: Buffer | undefined, response: ServerResponse): void {
  response.statusCode = content ? 200 : 404
  const type = TYPES[path === '/' ? '.html' : extname(path)] ?? 'application/octet-stream'
  response.setHeader('Content-Type', type).end(content ?? '')
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return new URL(url, 'http://localhost').pathname
}

async function buildVersion(root: string, version: Version, weight: number): Promise<void> {
  const sources: Record<string, string | Buffer> = {
    'index.html': '<!doctype html><title>…</title><script type="module" src="/main.js"></script>',
    'main.js': mainOf(version),
    'late.js': `export const text = 'late ${version}'`,
    'rare.js': `export const text = 'rare ${version}'`,
    'same.js': "import './same.css'\nexport const text = 'same'",
    'same.css': 'body { margin: 0 }',
    'public/icon.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>',
    'public/settings.json': JSON.stringify({ version }),
    'film.bin': 'a film',
  }
  for (let number = 0; version > 1 && number * 500_000 < weight; number += 1) sources[`public/${number}.bin`] = noise()
  for (const [name, content] of Object.entries(sources)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), content)
  }
  await mkdir(join(root, 'node_modules'))
  await symlink(resolve(import.meta.dirname, '../..'), join(root, 'node_modules/holdfast'))
  const plugin = holdfast({
    precache: { exclude: ['assets/*.bin'] },
    caching: [{ match: '/assets/**', strategy: 'cache-first' }],
  })
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [plugin],
    build: { assetsInlineLimit: 0 },
  })
  const worker = await readFile(join(root, 'dist/sw.js'), 'utf8')
  const urls = [...worker.matchAll(/url:\s*[`'"]([^`'"]+)[`'"],\s*revision:/g)].map(([, url]) => `/${url}`)
  await writeFile(join(root, 'files.json'), JSON.stringify(urls))
}

/** What can be compressed would fill nothing. */
function noise(): Buffer {
  return Buffer.from(Uint8Array.from({ length: 500_000 }, () => Math.random() * 256))
}

function mainOf(version: Version): string {
  return `import { createHoldfast } from 'holdfast'
import { registerHoldfast } from 'virtual:holdfast'
import film from './film.bin?url'
document.title = 'version ${version}'
const PARTS = { late: () => import('./late.js'), same: () => import('./same.js'), rare: () => import('./rare.js') }
window.part = async name => (await PARTS[name]()).text
window.film = film
window.hf = createHoldfast()
window.asked = 0
window.updates = registerHoldfast({ mayReload: () => !window.isDirty })
`
}

/** Looks for a new version, which must be there, and gives how its installation ended. */
export function attempt(page: Page): Promise<ServiceWorkerState> {
  return page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready
    // The browser may have looked by itself already. The promise of update() is kept before the page learns of it.
    const found = new Promise<void>(resolve => registration.addEventListener('updatefound', () => resolve()))
    if (!registration.installing && !registration.waiting) await Promise.all([registration.update(), found])
    const worker = registration.installing ?? registration.waiting
    return new Promise<ServiceWorkerState>(resolve => {
      const look = () => worker?.state !== 'installing' && resolve(worker?.state ?? 'redundant')
      worker?.addEventListener('statechange', look)
      look()
    })
  })
}

/** Lets the version that waits take over. The page reloads at any moment from then on, unless it is dirty. */
export async function takeOver(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const { waiting } = await navigator.serviceWorker.ready
    if (!waiting) throw new Error('No new version waits.')
    waiting.postMessage({ type: 'SKIP_WAITING' })
  })
  await expect(async () => {
    const state = await page.evaluate(async () => {
      const { waiting, active } = await navigator.serviceWorker.ready
      return waiting ? 'waiting' : active?.state
    })
    expect(state).toBe('activated')
  }).toPass({ timeout: 30_000 })
}

/** The keys of what is stored, as paths with their revision; without our own lists. */
export function stored(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const name = `holdfast:precache:v1:holdfast:${location.origin}/`
    if (!(await caches.has(name))) return []
    const requests = await (await caches.open(name)).keys()
    const paths = requests.map(({ url }) => url.slice(location.origin.length))
    return paths.filter(path => !path.includes('.holdfast-files-')).sort()
  })
}
