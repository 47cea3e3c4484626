import 'fake-indexeddb/auto'
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { localforageContract } from '../storage/localforage.contract.ts'
import type { Storage } from '../storage/open-storage.ts'
import { holdfast, type PluginOptions } from './index.ts'

let root: string

beforeEach(async context => {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'holdfast-lean-')))
  context.onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  root = folder
  await writeFile(path.join(root, 'index.html'), '<!doctype html><title>Empty</title>')
})

vi.setConfig({ testTimeout: 40_000 })

async function workerOf(options: PluginOptions = {}): Promise<string> {
  const plugins = [holdfast({ register: false, ...options })]
  await build({ root, configFile: false, logLevel: 'silent', build: { minify: false }, plugins })
  return readFile(path.join(root, 'dist/sw.js'), 'utf8')
}

/** Runs the worker that is made of this source here, where there is an IndexedDB too, and gives what it has left. */
async function run(source: string): Promise<unknown> {
  await writeFile(path.join(root, 'sw.ts'), source)
  const code = await workerOf({ worker: 'sw.ts' })
  const holder: { left?: unknown } = {}
  vi.stubGlobal('holder', holder)
  onTestFinished(() => {
    vi.unstubAllGlobals()
  })
  new Function(code)()
  return holder.left
}

/** What is found, so that a failure does not print the whole worker. */
const foundIn = (code: string, pattern: RegExp): string[] => code.match(pattern) ?? []

const ours = (file: string) => JSON.stringify(path.resolve(import.meta.dirname, '..', file))

describe("what a worker has of localforage's core", () => {
  it("keeps localforage's contract", async () => {
    const cases = localforageContract.filter(({ needsBrowser }) => !needsBrowser)
    const failed = await run(`import { openStorage } from ${ours('storage/open-storage.ts')}
import { localforageContract } from ${ours('storage/localforage.contract.ts')}
holder.left = async names => {
  const failed = []
  for (const { name, run } of localforageContract.filter(({ name }) => names.includes(name))) {
    const storage = await openStorage({ name: 'lean: ' + name, driverName: name })
    const make = async (storeName = 'records') => {
      const store = storage.records.createInstance({ name: 'lean: ' + name, storeName, driver: name })
      await store.ready()
      return store
    }
    await run(make).catch(error => failed.push(name + ': ' + error.message))
    storage.close()
  }
  return failed
}`)
    const names = cases.map(({ name }) => name)
    expect(names.length).toBeGreaterThan(10)
    expect(await (failed as (names: string[]) => Promise<string[]>)(names)).toEqual([])
  })

  it('says that its own drivers are not there, and leaves no promise rejected that nobody sees', async () => {
    const { meta, close } = (await run(`import { openStorage } from ${ours('storage/open-storage.ts')}
holder.left = openStorage({ name: 'lean' })`)) as Storage
    const drivers = [meta.INDEXEDDB, meta.WEBSQL, meta.LOCALSTORAGE]
    expect(drivers).toEqual(['asyncStorage', 'webSQLStorage', 'localStorageWrapper'])
    expect(drivers.map(name => meta.supports(name))).toEqual([false, false, false])
    const stock = meta.createInstance({ name: 'stock' })
    await expect(stock.setItem('a', 1)).rejects.toThrow('No available storage method found.')
    // A turn of the event loop, in which Node would report a rejection, which fails the run.
    await new Promise(resolve => setImmediate(resolve))
    close()
  })

  it('is all that the generated worker has of it', async () => {
    const code = await workerOf()
    expect(foundIn(code, /keyvaluepairs/g)).not.toEqual([])
    expect(foundIn(code, /FileReader|BlobBuilder|localStorage\.|webkitIndexedDB|lie\/polyfill/g)).toEqual([])
  })

  it("is the whole of it where the app's own worker imports localforage", async () => {
    const installed = fileURLToPath(new URL('../', import.meta.resolve('localforage')))
    await mkdir(path.join(root, 'node_modules'))
    await symlink(installed, path.join(root, 'node_modules/localforage'))
    const read = await run(`import { openStorage } from ${ours('storage/open-storage.ts')}
import localforage from 'localforage'
holder.left = (async () => {
  const storage = await openStorage({ name: 'beside' })
  await storage.meta.setItem('a', 1)
  const mine = localforage.createInstance({ name: 'mine', driver: localforage.INDEXEDDB })
  await mine.setItem('a', 2)
  return [await storage.meta.getItem('a'), await mine.getItem('a'), storage.close()]
})()`)
    expect(await read).toEqual([1, 2, undefined])
  })
})

describe('what a worker has of Workbox', () => {
  const strategiesIn = (code: string) =>
    ['CacheFirst', 'CacheOnly', 'NetworkFirst', 'NetworkOnly', 'StaleWhileRevalidate'].filter(name =>
      code.includes(`var ${name} = class`),
    )

  it('are the strategies that its rules name, and the one of the navigation fallback', async () => {
    const rule = { match: '/api/**', strategy: 'stale-while-revalidate' as const }
    expect(strategiesIn(await workerOf())).toEqual(['NetworkOnly'])
    expect(strategiesIn(await workerOf({ caching: [rule] }))).toEqual(['NetworkOnly', 'StaleWhileRevalidate'])
    expect(strategiesIn(await workerOf({ caching: [rule], navigationFallback: false }))).toEqual([
      'StaleWhileRevalidate',
    ])
  })

  it("are all of them in a worker of the app's own, whose rules only it knows", async () => {
    await writeFile(
      path.join(root, 'sw.ts'),
      `import { startHoldfast } from ${JSON.stringify(path.resolve(import.meta.dirname, '../../sw/index.ts'))}
startHoldfast({ caching: JSON.parse(globalThis.rules) })`,
    )
    expect(strategiesIn(await workerOf({ worker: 'sw.ts' }))).toHaveLength(5)
  })
})
