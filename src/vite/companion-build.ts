import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { ResolvedConfig } from 'vite'
import { buildWorker } from './build-worker.ts'
import type { Companion } from './companion.ts'
import type { PluginOptions, ResolvedOptions } from './options.ts'
import { toSource } from './to-source.ts'

/** What a worker that another tool has generated takes in by `importScripts`. Built only for one that does. */
export const COMPANION_SCRIPT = 'holdfast-sw.js'

export interface CompanionBuild {
  config: ResolvedConfig
  companion: Companion
  options: ResolvedOptions
  /** What `holdfast()` was given. */
  given: PluginOptions
}

/** After the other plugin has written its worker: says in one line what it lacks, and builds the script that it takes in. */
export async function joinCompanion({ config, companion, options, given }: CompanionBuild): Promise<void> {
  const worker = await companion.locate()
  if (!worker) return
  const code = await readFile(fileOf(config, worker.url), 'utf8').catch(() => '')
  const { logger } = config
  if (code.includes(COMPANION_SCRIPT)) {
    await buildWorker({ config, options: scriptOptions(options), manifest: [], write: true })
    logger.info(`holdfast: ${COMPANION_SCRIPT} delivers the outbox, in the worker of ${companion.name}`)
  } else if (code.includes(OUR_MARK)) {
    const unseen = unseenOptions(given)
    if (unseen.length === 0) logger.info(`holdfast: the service worker of ${companion.name} delivers the outbox`)
    else logger.warn(unseenText(companion, unseen))
  } else {
    logger.warn(missingText(companion, given))
  }
}

/** The script stores no files: the other worker does. */
export function scriptOptions(options: ResolvedOptions): ResolvedOptions {
  return {
    ...options,
    filename: COMPANION_SCRIPT,
    precache: false,
    navigationFallback: false,
    selfDestroying: false,
  }
}

/** A text that `startHoldfast()` brings into every worker, however it was minified. */
const OUR_MARK = '.holdfast-files-'

function fileOf({ root, base, build }: ResolvedConfig, url: string): string {
  const relative = url.startsWith(base) ? url.slice(base.length) : path.posix.basename(url)
  return path.resolve(root, build.outDir, relative)
}

/** Those that `startHoldfast()` takes too, with the same meaning. */
const SHARED = ['name', 'caching', 'queue', 'navigationFallback', 'imageFallback', 'navigationPreload'] as const

/** `name` and the manifest are for pages, too. */
const FOR_PAGES: readonly string[] = ['name', 'manifest', 'manifestFilename']

function unseenOptions(given: PluginOptions): string[] {
  return Object.entries(given).flatMap(([name, value]) =>
    value === undefined || FOR_PAGES.includes(name) ? [] : [name],
  )
}

function unseenText({ name }: Companion, unseen: string[]): string {
  return `holdfast: ${name} builds the service worker, so that ${unseen.join(', ')} of holdfast() has no effect. What the worker is to do belongs into startHoldfast() in its source.`
}

function missingText({ name }: Companion, given: PluginOptions): string {
  const shared = Object.fromEntries(SHARED.map(key => [key, given[key]]).filter(([, value]) => value !== undefined))
  const options = Object.keys(shared).length > 0 ? toSource(shared) : ''
  const call = `import { startHoldfast } from 'holdfast/sw'; startHoldfast(${options})`
  const generated = `; with generateSW instead, set workbox: { importScripts: ['${COMPANION_SCRIPT}'] }`
  return `holdfast: ${name} builds the service worker, which does not deliver the outbox yet. Add to its source: ${call}${name === 'vite-plugin-pwa' ? generated : ''}`
}
