import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { holdfast } from 'holdfast/vite'
import { build } from 'vite'

export const STRATEGIES = [
  'cache-first',
  'network-first',
  'stale-while-revalidate',
  'network-only',
  'cache-only',
] as const

export const CONTENDERS = ['ours', 'workbox', 'minimal'] as const

export type Contender = (typeof CONTENDERS)[number]

const PAGE = join(import.meta.dirname, 'worker-page')

/** Builds the worker of each contender, minified, into a folder of its name with the page beside it. */
export async function buildWorkers(site: string): Promise<void> {
  await buildOurs(join(site, 'ours'))
  for (const name of ['workbox', 'minimal'] as const) await buildByHand(name, join(site, name))
}

async function buildOurs(outDir: string): Promise<void> {
  const caching = STRATEGIES.map(strategy => ({
    match: `/data/${strategy}/**`,
    strategy,
    ...(strategy !== 'network-only' && { cacheName: `ours-${strategy}` }),
    // Bare Workbox tells nobody either.
    ...(strategy === 'stale-while-revalidate' && { announce: false }),
  }))
  const plugins = [holdfast({ caching, register: false })]
  await build({ root: PAGE, base: '/ours/', configFile: false, logLevel: 'error', build: { outDir }, plugins })
}

async function buildByHand(name: string, outDir: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: 'error',
    define: {
      'process.env.NODE_ENV': '"production"',
      'self.__WB_MANIFEST': JSON.stringify([{ url: 'index.html', revision: '1' }]),
    },
    build: {
      outDir,
      lib: { entry: join(PAGE, `sw-${name}.ts`), formats: ['iife'], name: 'worker', fileName: () => 'sw.js' },
      minify: true,
    },
  })
  await mkdir(outDir, { recursive: true })
  await copyFile(join(PAGE, 'index.html'), join(outDir, 'index.html'))
}
