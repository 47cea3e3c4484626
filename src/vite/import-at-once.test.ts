import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build } from 'vite'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { holdfast, type PluginOptions } from './index.ts'

let root: string

beforeEach(async context => {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-at-once-'))
  context.onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  root = folder
  await writeFile(path.join(root, 'index.html'), '<!doctype html><title>Empty</title>')
})

vi.setConfig({ testTimeout: 40_000 })

/** What is found of each pattern in the worker that is built, so that a failure does not print the whole worker. */
async function found(options: PluginOptions, ...patterns: RegExp[]): Promise<string[]> {
  const plugins = [holdfast({ register: false, ...options })]
  await build({ root, configFile: false, logLevel: 'silent', build: { minify: false, sourcemap: true }, plugins })
  const code = await readFile(path.join(root, 'dist/sw.js'), 'utf8')
  return patterns.flatMap(pattern => pattern.exec(code)?.[0] ?? [])
}

const LATER = [/Promise\.resolve\(\)\.then/, /__vitePreload/, /__esm/]

describe('what the package imports on demand', () => {
  it('is there at once in the worker, and of idb nothing but what wraps a transaction', async () => {
    const parts = [/function readRange/, /function visitEach/, /function promisifyRequest/]
    expect(await found({}, ...parts)).toEqual(['function promisifyRequest'])
    expect(await found({}, ...LATER, /function openDB/, /asyncIterator/)).toEqual([])
    await writeFile(path.join(root, 'handlers.ts'), 'export const handlers = {}')
    const all = await found({ handlers: 'handlers.ts' }, ...parts)
    expect(all).toEqual(['function readRange', 'function visitEach', 'function promisifyRequest'])
  })

  it('is bound by name, so that no namespace has to be built', async () => {
    await writeFile(path.join(root, 'handlers.ts'), 'export const handlers = {}')
    expect(await found({ handlers: 'handlers.ts' }, /__exportAll/, /__export\(/, /Symbol\.toStringTag/)).toEqual([])
  })

  it("comes with all of idb where the app's own functions are in the worker, which may use it", async () => {
    await writeFile(path.join(root, 'handlers.ts'), 'export const handlers = {}')
    expect(await found({ handlers: 'handlers.ts' }, ...LATER, /asyncIterator/)).toEqual(['asyncIterator'])
  })

  it("stays on demand in what is the app's own", async () => {
    await writeFile(path.join(root, 'extra.ts'), "export const extra = 'on demand'")
    await writeFile(
      path.join(root, 'sw.ts'),
      "self.addEventListener('push', async () => console.log(await import('./extra.ts')))",
    )
    expect(await found({ worker: 'sw.ts' }, /__esm|Promise\.resolve\(\)\.then/)).toHaveLength(1)
  })
})
