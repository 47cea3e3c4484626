import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, extname, join, resolve } from 'node:path'
import { test as base } from 'holdfast/playwright'
import { type InlineConfig, createServer as serveDev } from 'vite'

export { expect } from 'holdfast/playwright'

/** A write as it came over the wire. */
export interface Arrival {
  url: string
  body: string
}

export interface NotingSite {
  url: string
  arrivals: Arrival[]
  /** Ends it before the test does. */
  close(): Promise<void>
}

interface TestFixtures {
  /** Makes a folder with these files, in which the package is installed under its name; it is deleted at the end. */
  makeApp: (files: Record<string, string>) => Promise<string>
  /** Serves a folder under a path, and notes the writes that come to `/api/`. */
  serveFolder: (folder: string, options?: ServeOptions) => Promise<NotingSite>
  /** Begins `vite dev`, with an `/api/` that notes the writes. */
  startDev: (config: InlineConfig) => Promise<NotingSite>
}

interface ServeOptions {
  /** Begins and ends with a slash. */
  base?: string
  headers?: Record<string, string>
}

/** Apps in whatever mode a test wants: built, under a path, or in development. */
export const test = base.extend<TestFixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
  makeApp: async ({}, use) => {
    const roots: string[] = []
    await use(async files => {
      const root = await mkdtemp(join(tmpdir(), 'holdfast-mode-'))
      roots.push(root)
      await install(root)
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(root, name)), { recursive: true })
        await writeFile(join(root, name), text)
      }
      return root
    })
    for (const root of roots) await rm(root, { recursive: true, force: true, maxRetries: 5 })
  },

  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
  serveFolder: async ({}, use) => {
    const ends: (() => Promise<void>)[] = []
    await use(async (folder, { base = '/', headers = {} } = {}) => {
      const arrivals: Arrival[] = []
      const server = createServer(async (request, response) => {
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
        if (await noteWrite(request, response, arrivals)) return
        const { pathname } = new URL(request.url ?? '/', 'http://localhost')
        await sendFile(response, pathname.startsWith(base) ? join(folder, pathname.slice(base.length)) : undefined)
      })
      await new Promise<void>(done => server.listen(0, 'localhost', done))
      const close = async () => {
        server.closeAllConnections()
        server.close()
      }
      ends.push(close)
      return { url: `http://localhost:${(server.address() as AddressInfo).port}${base}`, arrivals, close }
    })
    for (const end of ends) await end()
  },

  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
  startDev: async ({}, use) => {
    const ends: (() => Promise<void>)[] = []
    await use(async config => {
      const arrivals: Arrival[] = []
      const api = {
        name: 'api',
        configureServer: (server: Awaited<ReturnType<typeof serveDev>>) => {
          server.middlewares.use(async (request, response, next) => {
            if (!(await noteWrite(request, response, arrivals))) next()
          })
        },
      }
      const server = await serveDev({
        configFile: false,
        logLevel: 'error',
        ...config,
        server: { port: 0, host: 'localhost', ...config.server },
        plugins: [api, config.plugins],
      })
      await server.listen()
      const close = () => server.close()
      ends.push(close)
      return { url: server.resolvedUrls?.local[0] ?? '', arrivals, close }
    })
    for (const end of ends) await end()
  },
})

const REPOSITORY = resolve(import.meta.dirname, '../..')

/** As a package manager would, and not by a link: tools treat what is linked as a part of the app. */
async function install(root: string): Promise<void> {
  const own = join(root, 'node_modules/holdfast')
  await cp(join(REPOSITORY, 'dist'), join(own, 'dist'), { recursive: true })
  await cp(join(REPOSITORY, 'package.json'), join(own, 'package.json'))
  const { dependencies } = JSON.parse(await readFile(join(own, 'package.json'), 'utf8'))
  for (const name of new Set([...Object.keys(dependencies), 'msw', 'workbox-core', 'workbox-window'])) {
    await symlink(await realpath(join(REPOSITORY, 'node_modules', name)), join(root, 'node_modules', name))
  }
}

async function noteWrite(request: IncomingMessage, response: ServerResponse, arrivals: Arrival[]): Promise<boolean> {
  const { method = 'GET', url = '' } = request
  if (method === 'GET' || method === 'HEAD') return false
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  arrivals.push({ url, body: Buffer.concat(chunks).toString() })
  response.setHeader('Content-Type', 'application/json').end('{"ok":true}')
  return true
}

const TYPES: Record<string, string> = {
  '.js': 'text/javascript',
  '.html': 'text/html',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
}

/** As most hosts do: `/about` is about.html, and a folder is its index.html. */
async function sendFile(response: ServerResponse, file: string | undefined): Promise<void> {
  for (const candidate of file ? [file, `${file}.html`, join(file, 'index.html')] : []) {
    const content = await readFile(candidate).catch(() => undefined)
    if (!content) continue
    response.setHeader('Cache-Control', 'no-cache')
    response.setHeader('Content-Type', TYPES[extname(candidate)] ?? 'application/octet-stream').end(content)
    return
  }
  response.writeHead(404).end('Not found')
}
