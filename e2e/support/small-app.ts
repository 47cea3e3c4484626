import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, resolve } from 'node:path'
import type { Holdfast } from 'holdfast'
import { test as base, type HoldfastFixtures } from 'holdfast/playwright'
import { holdfast } from 'holdfast/vite'
import { build } from 'vite'

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

/** A ten-line app with the plugin and no options, and a server that notes what arrives. */
export interface SmallApp {
  url: string
  arrivals: Arrival[]
  /** Answers every write from now on; the default is 200 with `{ "ok": true }`. */
  answer(by: (arrival: Arrival, response: ServerResponse) => void): void
}

export const test = base.extend<{ app: SmallApp } & HoldfastFixtures, { site: string }>({
  site: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
    async ({}, use) => {
      const root = await mkdtemp(join(tmpdir(), 'holdfast-small-app-'))
      await use(await buildSite(root))
      await rm(root, { recursive: true, force: true })
    },
    { scope: 'worker' },
  ],
  app: async ({ site }, use) => {
    const arrivals: Arrival[] = []
    let answer: (arrival: Arrival, response: ServerResponse) => void = ok
    const server = createServer(async (request, response) => {
      if (request.method === 'GET') return serve(site, request, response)
      const { method = '', url = '', headers } = request
      const arrival = { method, url, headers, body: await bytesOf(request) }
      arrivals.push(arrival)
      answer(arrival, response)
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
  },
  baseURL: ({ app }, use) => use(app.url),
})

function ok(_arrival: Arrival, response: ServerResponse): void {
  response.setHeader('Content-Type', 'application/json').end('{"ok":true}')
}

const SOURCES = {
  'index.html': '<!doctype html><title>Small</title><script type="module" src="/main.js"></script>',
  'main.js': `import { createHoldfast } from 'holdfast'
window.createHoldfast = createHoldfast
if (location.search !== '?none') window.hf = createHoldfast(location.search === '?page' ? { worker: false } : {})
`,
}

async function buildSite(root: string): Promise<string> {
  await mkdir(join(root, 'node_modules'))
  await symlink(resolve(import.meta.dirname, '../..'), join(root, 'node_modules/holdfast'))
  for (const [name, text] of Object.entries(SOURCES)) await writeFile(join(root, name), text)
  await build({ root, configFile: false, logLevel: 'error', plugins: [holdfast()] })
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
