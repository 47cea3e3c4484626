import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, extname, join, resolve } from 'node:path'
import type { Page } from '@playwright/test'
import type { Holdfast } from 'holdfast'
import { test as base, type HoldfastFixtures } from 'holdfast/playwright'
import { holdfast, type PluginOptions } from 'holdfast/vite'
import { build } from 'vite'

export { expect } from 'holdfast/playwright'

declare global {
  interface Window {
    /** The paths of the fresh answers that this page has heard of. */
    fresh: string[]
    hf: Holdfast
  }
}

/** Answers a request; `count` says how often this path was asked for, this time included. */
type Answer = (asked: { request: IncomingMessage; response: ServerResponse; count: number }) => unknown

export interface ReadingApp {
  url: string
  /** How often the server was asked, by method and path: `GET /api/notes`. */
  hits: Map<string, number>
  /** Answers every address that begins so; what was said last goes first. Else: the files of the build. */
  on(prefix: string, answer: Answer): void
  /** Builds the app with these options, and these files beside its own. */
  build(options: PluginOptions, files?: Record<string, string | Buffer>): Promise<void>
  /** Builds it, opens it, and waits until its worker answers. */
  open(page: Page, options: PluginOptions, files?: Record<string, string | Buffer>): Promise<void>
}

/** A small app and its server, to see how a worker reads. */
export const test = base.extend<HoldfastFixtures & { app: ReadingApp }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
  app: async ({}, use) => {
    const root = await mkdtemp(join(tmpdir(), 'holdfast-reading-'))
    const hits = new Map<string, number>()
    const answers: [prefix: string, answer: Answer][] = []
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost')
      const asked = `${request.method} ${pathname}`
      const count = (hits.get(asked) ?? 0) + 1
      hits.set(asked, count)
      const own = answers.find(([prefix]) => request.url?.startsWith(prefix))
      if (own) return void own[1]({ request, response, count })
      void serveFile(join(root, 'dist'), pathname, response)
    })
    await new Promise<void>(done => server.listen(0, 'localhost', done))
    const url = `http://localhost:${(server.address() as AddressInfo).port}/`
    const app: ReadingApp = {
      url,
      hits,
      on: (prefix, answer) => void answers.unshift([prefix, answer]),
      build: (options, files = {}) => buildApp(root, options, files),
      async open(page, options, files) {
        await app.build(options, files)
        await page.goto(url)
        await page.waitForFunction(() => navigator.serviceWorker.controller?.state === 'activated')
      },
    }
    await use(app)
    server.closeAllConnections()
    server.close()
    await rm(root, { recursive: true, force: true, maxRetries: 5 })
  },
  baseURL: ({ app }, use) => use(app.url),
})

const SOURCES = {
  'index.html': '<!doctype html><title>Reading</title><script type="module" src="/main.js"></script>',
  'main.js': `import { createHoldfast } from 'holdfast'
import { onFresh } from 'virtual:holdfast'
window.fresh = []
onFresh(({ url }) => window.fresh.push(new URL(url).pathname))
window.hf = createHoldfast()
`,
}

async function buildApp(root: string, options: PluginOptions, files: Record<string, string | Buffer>): Promise<void> {
  await mkdir(join(root, 'node_modules'), { recursive: true })
  await symlink(resolve(import.meta.dirname, '../..'), join(root, 'node_modules/holdfast')).catch(() => undefined)
  for (const [name, content] of Object.entries({ ...SOURCES, ...files })) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), content)
  }
  // Not minified: that takes two seconds for each app, and the suites of other apps are about what it gives.
  await build({ root, configFile: false, logLevel: 'error', build: { minify: false }, plugins: [holdfast(options)] })
}

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.html': 'text/html', '.svg': 'image/svg+xml' }

async function serveFile(folder: string, pathname: string, response: ServerResponse): Promise<void> {
  const file = join(folder, pathname === '/' ? 'index.html' : pathname)
  const content = await readFile(file).catch(() => undefined)
  response.statusCode = content ? 200 : 404
  response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream').end(content ?? '')
}

/** What a page got: a text, or the name of the error. */
export interface Got {
  status?: number
  text: string
  age?: number
}

/** Has the page fetch an address. */
export function get(
  page: Page,
  address: string,
  init: Pick<RequestInit, 'method' | 'mode' | 'headers'> = {},
): Promise<Got> {
  return page.evaluate(
    async ([url, options]) => {
      try {
        const response = await fetch(url, options)
        const age = response.headers.get('age')
        return { status: response.status, text: await response.text(), ...(age !== null && { age: Number(age) }) }
      } catch (error) {
        return { text: (error as Error).name }
      }
    },
    [address, init] as const,
  )
}

/** What is stored under an address, in whatever cache. */
export function stored(page: Page, address: string): Promise<string | undefined> {
  return page.evaluate(url => caches.match(url).then(response => response?.text()), address)
}

/** The addresses of what is stored in caches of rules, as paths, in their order. */
export function allStored(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const names = (await caches.keys()).filter(name => !name.startsWith('holdfast:precache:'))
    const keys = await Promise.all(names.map(async name => (await caches.open(name)).keys()))
    return keys.flat().map(({ url }) => new URL(url).pathname + new URL(url).search)
  })
}
