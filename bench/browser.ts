import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { arch, cpus, loadavg, platform, tmpdir } from 'node:os'
import { extname, join, resolve } from 'node:path'
import { holdfast } from 'holdfast/vite'
import { type BrowserContext, chromium, type Page } from 'playwright'
import { build } from 'vite'
import { CHROMIUM_FLAGS, CHROMIUM_PATH } from '../scripts/chromium.ts'

/** A page of the built bench app, controlled by its service worker. */
export interface BenchPage {
  page: Page
  context: BrowserContext
}

/**
 * Builds the app in `bench/<folder>` with the Vite plugin, serves it, and runs `measure` in a Chromium of its own. The
 * profile is a folder on the disk: what Playwright opens by default is a private window, whose databases live in memory
 * and never wait for a disk.
 */
export async function withPage<T>(folder: string, measure: (opened: BenchPage) => Promise<T>): Promise<T> {
  const work = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const site = join(work, 'site')
  await buildApp(resolve(import.meta.dirname, folder), site)
  const server = await serve(site)
  try {
    return await withContext(join(work, 'profile'), async context => {
      const page = context.pages()[0] ?? (await context.newPage())
      await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
      await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
      return measure({ page, context })
    })
  } finally {
    server.closeAllConnections()
    server.close()
    await rm(work, { recursive: true, force: true })
  }
}

/** What the figures depend on, in one line. */
export function describeMachine({ context }: BenchPage): string {
  const load = loadavg()[0] ?? 0
  return [
    `Chromium ${context.browser()?.version() ?? 'unknown'}`,
    `Node ${process.versions.node}`,
    `${platform()} ${arch()}, ${cpus().length} CPUs`,
    `load ${load.toFixed(2)} at the end (this run included)`,
  ].join(' · ')
}

async function buildApp(root: string, outDir: string): Promise<void> {
  await build({ root, configFile: false, logLevel: 'error', build: { outDir }, plugins: [holdfast()] })
}

async function withContext<T>(profile: string, use: (context: BrowserContext) => Promise<T>): Promise<T> {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM_PATH,
    args: CHROMIUM_FLAGS,
  })
  try {
    return await use(context)
  } finally {
    await context.close()
  }
}

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.html': 'text/html' }

async function serve(site: string): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const file = join(site, pathname === '/' ? 'index.html' : pathname)
    const content = await readFile(file).catch(() => undefined)
    response.statusCode = content ? 200 : 404
    // Isolated, the page's clock has steps of 5 µs instead of 100 µs.
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream').end(content ?? '')
  })
  await new Promise<void>(done => server.listen(0, 'localhost', done))
  return server
}
