import { mkdtemp, rm } from 'node:fs/promises'
import { arch, cpus, loadavg, platform, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { holdfast, type PluginOptions } from 'holdfast/vite'
import { type BrowserContext, chromium, type Page } from 'playwright'
import { build } from 'vite'
import { CHROMIUM_FLAGS, CHROMIUM_PATH } from '../scripts/chromium.ts'
import { startServer } from './server.ts'

/** A Chromium of its own, and a server of the built files. */
export interface BenchSite {
  context: BrowserContext
  /** The origin of the pages and of their server. */
  origin: string
}

/** A page of the built bench app, controlled by its service worker. */
export interface BenchPage extends BenchSite {
  page: Page
}

/**
 * Builds the app in `bench/<folder>` with the Vite plugin, serves it, and runs `measure` in a Chromium of its own. The
 * profile is a folder on the disk: what Playwright opens by default is a private window, whose databases live in memory
 * and never wait for a disk.
 */
export async function withPage<T>(
  folder: string,
  measure: (opened: BenchPage) => Promise<T>,
  plugin: PluginOptions = {},
): Promise<T> {
  const work = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const site = join(work, 'site')
  await buildApp(resolve(import.meta.dirname, folder), site, plugin)
  try {
    return await withSite(site, join(work, 'profile'), async ({ context, origin }) => {
      const page = context.pages()[0] ?? (await context.newPage())
      await page.goto(origin)
      await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
      return measure({ page, context, origin })
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Serves a folder of built files, and runs `measure` in a Chromium of its own, whose profile is that folder. */
export async function withSite<T>(
  site: string,
  profile: string,
  measure: (opened: BenchSite) => Promise<T>,
): Promise<T> {
  const server = await startServer(site)
  try {
    return await withContext(profile, context => measure({ context, origin: server.origin }))
  } finally {
    server.stop()
  }
}

/** What the figures depend on, in one line. */
export function describeMachine({ context }: Pick<BenchSite, 'context'>): string {
  const load = loadavg()[0] ?? 0
  return [
    `Chromium ${context.browser()?.version() ?? 'unknown'}`,
    `Node ${process.versions.node}`,
    `${platform()} ${arch()}, ${cpus().length} CPUs`,
    `load ${load.toFixed(2)} at the end (this run included)`,
  ].join(' · ')
}

async function buildApp(root: string, outDir: string, plugin: PluginOptions): Promise<void> {
  await build({ root, configFile: false, logLevel: 'error', build: { outDir }, plugins: [holdfast(plugin)] })
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
