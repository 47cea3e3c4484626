import path from 'node:path'
import { gzipSync } from 'node:zlib'
import type { ResolvedConfig } from 'vite'
import { HoldfastError } from '../protocol/errors.ts'
import { buildWorker } from './build-worker.ts'
import { collectManifest, type Manifest } from './manifest.ts'
import type { ResolvedOptions } from './options.ts'

/** Says whether the bundler put a hash of the content into a file's name. */
export type HashedTest = (file: string) => boolean

/** Builds the worker with the manifest of what is in the output folder now, writes it there, and says how large it is. */
export async function emitWorker(
  config: ResolvedConfig,
  options: ResolvedOptions,
  emitted: HashedTest[],
): Promise<void> {
  const manifest = await readManifest(config, options, emitted)
  checkFallbacks(options, manifest)
  const code = await buildWorker({ config, options, manifest: manifest.entries, write: true })
  report(config, options, manifest, code)
}

async function readManifest(
  config: ResolvedConfig,
  options: ResolvedOptions,
  emitted: HashedTest[],
): Promise<Manifest> {
  if (options.precache === false) return { entries: [], bytes: 0, tooLarge: [] }
  const outDir = path.resolve(config.root, config.build.outDir)
  const isHashed = (file: string) => emitted.some(test => test(file))
  const exclude = [...options.precache.exclude, ...foldersOfOthers(config, outDir)]
  return collectManifest({ ...options.precache, exclude, outDir, filename: options.filename, isHashed })
}

/** What is built for a server may lie inside of what is built for the browser, and is no part of that. */
function foldersOfOthers(config: ResolvedConfig, outDir: string): string[] {
  const folders = Object.entries(config.environments).flatMap(([name, { build }]) =>
    name === 'client' ? [] : path.relative(outDir, path.resolve(config.root, build.outDir)),
  )
  const inside = folders.filter(folder => folder !== '' && !folder.startsWith('..') && !path.isAbsolute(folder))
  return inside.map(folder => `${folder.replaceAll('\\', '/')}/**`)
}

/** What stands in for others has to be stored. */
function checkFallbacks({ navigationFallback, imageFallback }: ResolvedOptions, { entries }: Manifest): void {
  for (const [kind, file] of [
    ['navigation', (navigationFallback || undefined)?.url],
    ['image', imageFallback],
  ]) {
    if (!file || entries.some(({ url }) => url === file)) continue
    throw new HoldfastError({
      code: 'invalid-options',
      action: `set up the ${kind} fallback`,
      reason: `"${file}" is not among the ${entries.length} files of the precache`,
      hint: 'Name a file of the output folder, relative to it, that precache includes.',
    })
  }
}

function report(
  config: ResolvedConfig,
  options: ResolvedOptions,
  { entries, bytes, tooLarge }: Manifest,
  code: string,
) {
  const { maximumFileSizeBytes = 0 } = options.precache || {}
  const size = `${kilobytes(code.length)} kB, gzip ${kilobytes(gzipSync(code).length)} kB`
  if (options.selfDestroying) {
    config.logger.info(`holdfast: ${options.filename} (${size}) unregisters itself and deletes its caches.`)
    config.logger.info(leavingText(options.name))
    return
  }
  config.logger.info(`holdfast: ${options.filename} (${size}) stores ${entries.length} files, ${kilobytes(bytes)} kB`)
  if (tooLarge.length === 0) return
  const limit = `larger than precache.maximumFileSizeBytes (${maximumFileSizeBytes})`
  config.logger.warn(`holdfast: not available offline, because ${limit}: ${tooLarge.join(', ')}`)
}

function leavingText(name: string): string {
  return `holdfast: writes that wait stay in the database "${name}", which is not deleted. Pages that call createHoldfast() send them while they are open; without that they stay on the device, unsent.`
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(1)
}
