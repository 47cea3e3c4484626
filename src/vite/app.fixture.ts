import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createLogger, type InlineConfig } from 'vite'
import { beforeEach } from 'vitest'
import { holdfast, type PluginOptions } from './index.ts'

/** An app in a folder of its own, which each test begins with. */
export interface App {
  readonly root: string
  /** What Vite and its plugins have said, a line each. */
  readonly lines: string[]
  write(files: Record<string, string>): Promise<void>
  /** A file of the root as a text; rejects where it is not there. */
  read(file: string): Promise<string>
  /** The configuration of a build with our plugin. */
  config(options?: PluginOptions, config?: InlineConfig): InlineConfig
}

export function useApp(files: Record<string, string>): App {
  let root = ''
  let lines: string[] = []
  const write: App['write'] = async texts => {
    for (const [name, text] of Object.entries(texts)) {
      await mkdir(path.dirname(path.join(root, name)), { recursive: true })
      await writeFile(path.join(root, name), text)
    }
  }
  beforeEach(async context => {
    root = await realpath(await mkdtemp(path.join(tmpdir(), 'holdfast-app-')))
    const folder = root
    context.onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
    lines = []
    await write(files)
  })
  const note = (line: string) => void lines.push(line)
  return {
    get root() {
      return root
    },
    get lines() {
      return lines
    },
    write,
    read: file => readFile(path.join(root, file), 'utf8'),
    config: (options, config = {}) => ({
      root,
      configFile: false,
      customLogger: { ...createLogger('silent'), info: note, warn: note, error: note },
      ...config,
      plugins: [holdfast(options), config.plugins],
    }),
  }
}

/** The addresses in the manifest of a built worker, with hashes of names cut out. */
export function precached(code: string): string[] {
  const entries = code.matchAll(/\{\s*"?url"?:\s*["'`]([^"'`]+)["'`],\s*"?revision"?:\s*(?:null|["'`]\w+["'`])[\s,}]/g)
  return [...entries].map(([, url = '']) => url.replace(/-[\w-]{8}\./, '-#.')).sort()
}

/** A module of this package by its path: what a worker of the app's own imports as `holdfast/sw`. */
export const WORKER_MODULE = path.resolve(import.meta.dirname, '../../sw/index.ts')
