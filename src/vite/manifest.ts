import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { glob } from 'tinyglobby'
import type { PrecacheOptions } from './options.ts'

/** One line of the worker's manifest. */
export interface ManifestEntry {
  /** Relative to the base, percent-encoded as Vite writes it into the pages. */
  url: string
  /** Null where the file's name changes with its content. */
  revision: string | null
  /** The hashed scripts that a page names: an answer without them is another version's, and the worker does not store it. */
  scripts?: string[]
}

export interface Manifest {
  entries: ManifestEntry[]
  /** The sum of all files, uncompressed. */
  bytes: number
  /** Files that were left out for their size, relative to the output folder. */
  tooLarge: string[]
}

export interface ManifestSource extends Required<PrecacheOptions> {
  /** The output folder, absolute. */
  outDir: string
  /** The worker, which must not be stored: the browser updates it by itself. */
  filename: string
  /** Says whether the bundler put a hash of the content into this file's name. */
  isHashed(file: string): boolean
}

/**
 * Lists what the worker stores. It reads the folder and not the bundle, because files of `publicDir` and pages that other
 * plugins write late are in no bundle. The order is stable, so that an unchanged build gives an unchanged worker; files
 * that have the same name in every version come first, before there is time to deploy another one.
 */
export async function collectManifest(source: ManifestSource): Promise<Manifest> {
  const { include, exclude, outDir, filename, maximumFileSizeBytes } = source
  const ignore = [...NEVER, ...exclude, filename]
  const files = (await glob(include, { cwd: outDir, ignore, dot: false, onlyFiles: true })).sort()
  const scripts = files.filter(file => /\.m?js$/.test(file) && source.isHashed(file)).map(nameOf)
  const manifest: Manifest = { entries: [], bytes: 0, tooLarge: [] }
  const hashed: ManifestEntry[] = []
  for (const file of files) {
    const full = path.join(outDir, file)
    const { size } = await stat(full)
    if (size > maximumFileSizeBytes) {
      manifest.tooLarge.push(file)
      continue
    }
    manifest.bytes += size
    if (source.isHashed(file)) hashed.push({ url: toUrl(file), revision: null })
    else manifest.entries.push(await namedEntry(file, full, scripts))
  }
  manifest.entries.push(...hashed)
  return manifest
}

/**
 * Hosts read `_headers` and `_redirects` and do not serve them; one missing file would fail the whole installation.
 * Compressed copies are for the server to choose.
 */
const NEVER = ['**/*.map', '**/*.{gz,br,zst}', '_headers', '_redirects', '_routes.json', '_worker.js']

/** A file whose name stays the same when its content changes. */
async function namedEntry(file: string, full: string, scripts: string[]): Promise<ManifestEntry> {
  const content = await readFile(full)
  const entry = { url: toUrl(file), revision: createHash('sha256').update(content).digest('hex').slice(0, 16) }
  if (!/\.html?$/.test(file)) return entry
  const text = content.toString()
  const named = scripts.filter(script => text.includes(script))
  return named.length > 0 ? { ...entry, scripts: named } : entry
}

function nameOf(file: string): string {
  return toUrl(path.posix.basename(file))
}

function toUrl(file: string): string {
  return encodeURI(file).replace(/[?#]/g, encodeURIComponent)
}
