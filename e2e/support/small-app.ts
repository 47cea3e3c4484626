import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, resolve } from 'node:path'
import type { Holdfast, HoldfastOptions } from 'holdfast'
import { test as base, type HoldfastFixtures } from 'holdfast/playwright'
import { holdfast } from 'holdfast/vite'
import { build, type InlineConfig } from 'vite'

export { expect } from 'holdfast/playwright'

declare global {
  interface Window {
    hf: Holdfast
    createHoldfast: (options?: object) => Holdfast
  }
}

/** A write as it came over the wire. */
export interface Arrival {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: Buffer
}

export type Answer = (arrival: Arrival, response: ServerResponse) => unknown

/** A server that notes what arrives. */
export interface NotingServer {
  url: string
  arrivals: Arrival[]
  /** Answers every write from now on; the default is 200 with `{ "ok": true }`. */
  answer(by: Answer): void
}

interface TestFixtures extends HoldfastFixtures {
  /** A ten-line app with the plugin, and its server. */
  app: NotingServer
  /** A server of another origin, which has no pages. */
  foreign: NotingServer
}

interface WorkerFixtures {
  /** The module of `e2e/support` with the functions that page and worker share by name; none by default. */
  handlers: string | undefined
  site: string
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  handlers: [undefined, { scope: 'worker', option: true }],
  site: [
    async ({ handlers }, use) => {
      const root = await mkdtemp(join(tmpdir(), 'holdfast-small-app-'))
      await use(await buildSite(root, handlers))
      await rm(root, { recursive: true, force: true })
    },
    { scope: 'worker' },
  ],
  app: ({ site }, use) => whileListening((request, response) => serve(site, request, response), use),
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
  foreign: ({}, use) => whileListening((_request, response) => void response.end(), use),
  baseURL: ({ app }, use) => use(app.url),
})

/** Where a page of the app finds an outbox that is set up like this. */
export function pageWith(options: HoldfastOptions): string {
  return `/?options=${encodeURIComponent(JSON.stringify(options))}`
}

/** `serveGet` answers what is no write, the probes of the leading tab among it. */
async function whileListening(serveGet: RequestListener, use: (server: NotingServer) => Promise<void>): Promise<void> {
  const arrivals: Arrival[] = []
  let answer: Answer = ok
  const server = createServer(async (request, response) => {
    // HEAD asks whether the server is in reach.
    if (request.method === 'GET' || request.method === 'HEAD') return serveGet(request, response)
    const { method = '', url = '', headers } = request
    const arrival = { method, url, headers, body: await bytesOf(request) }
    arrivals.push(arrival)
    await answer(arrival, response)
  })
  await new Promise<void>(done => server.listen(0, 'localhost', done))
  await use({
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    arrivals,
    answer: by => {
      answer = by
    },
  })
  server.closeAllConnections()
  server.close()
}

function ok(_arrival: Arrival, response: ServerResponse): void {
  response.setHeader('Content-Type', 'application/json').end('{"ok":true}')
}

const SOURCES = {
  'index.html': '<!doctype html><title>Small</title><script type="module" src="/main.js"></script>',
  'main.js': `import { createHoldfast } from 'holdfast'
import { handlers } from './handlers'
window.createHoldfast = createHoldfast
const { search } = location
const options = JSON.parse(new URLSearchParams(search).get('options') ?? '{}')
if (search !== '?none') window.hf = createHoldfast({ handlers, ...options, ...(search === '?page' && { worker: false }) })
`,
}

/** Builds the app in that folder, and gives where its files are. */
export async function buildSite(root: string, handlers?: string, config: InlineConfig = {}): Promise<string> {
  const file = handlers && join(import.meta.dirname, handlers)
  const module = file ? await readFile(file, 'utf8') : 'export const handlers = {}'
  await mkdir(join(root, 'node_modules'))
  await symlink(resolve(import.meta.dirname, '../..'), join(root, 'node_modules/holdfast'))
  const sources = { ...SOURCES, 'handlers.ts': module }
  for (const [name, text] of Object.entries(sources)) await writeFile(join(root, name), text)
  const plugin = holdfast(file ? { handlers: 'handlers.ts' } : {})
  // Not minified: that takes two seconds for each app. The demo and the examples are.
  await build({ build: { minify: false }, ...config, root, configFile: false, logLevel: 'error', plugins: [plugin] })
  return join(root, 'dist')
}

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.html': 'text/html' }

async function serve(site: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const file = join(site, pathname === '/' ? 'index.html' : pathname)
  const content = await readFile(file).catch(() => undefined)
  response.statusCode = content ? 200 : 404
  response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream').end(content ?? '')
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
