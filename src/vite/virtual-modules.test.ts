import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build, createLogger, createServer, type InlineConfig } from 'vite'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { holdfast, type PluginOptions } from './index.ts'

let root: string
let lines: string[]

beforeEach(async context => {
  root = await realpath(await mkdtemp(path.join(tmpdir(), 'holdfast-virtual-')))
  const folder = root
  context.onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  lines = []
  await mkdir(path.join(root, 'src'))
  await writeFile(path.join(root, 'index.html'), '<!doctype html><script type="module" src="/src/main.js"></script>')
  await writeFile(
    path.join(root, 'src/main.js'),
    "import { registerHoldfast } from 'virtual:holdfast'\nregisterHoldfast({ mode: 'auto' })\nconsole.log(__HOLDFAST_WORKER__)\n",
  )
})

function app(options?: PluginOptions, config: InlineConfig = {}): InlineConfig {
  const customLogger = { ...createLogger('silent'), info: (line: string) => void lines.push(line) }
  return { root, configFile: false, customLogger, plugins: [holdfast(options)], ...config }
}

/** All scripts of the built page, one after the other. */
async function pageCode(): Promise<string> {
  const folder = path.join(root, 'dist/assets')
  const files = await Promise.all((await readdir(folder)).map(file => readFile(path.join(folder, file), 'utf8')))
  return files.join('\n')
}

async function serve(config: InlineConfig): Promise<string> {
  const server = await createServer({ ...config, server: { port: 0, host: '127.0.0.1' } })
  onTestFinished(() => server.close())
  await server.listen()
  return server.resolvedUrls?.local[0] ?? ''
}

describe('virtual:holdfast', () => {
  it('is built into the page, and knows the worker', async () => {
    await build(app({ name: 'notes' }, { base: '/app/', build: { minify: false } }))
    const code = await pageCode()
    expect(code).toContain('SKIP_WAITING')
    expect(code.replace(/\s+/g, '')).toContain('"url":"/app/sw.js","scope":"/app/","name":"notes"')
    expect(code).not.toContain('holdfast:worker-changed')
  })

  it('is served in development with all that it imports, and follows a changed worker', async () => {
    const url = await serve(app())
    const module = await (await fetch(`${url}@id/__x00__virtual:holdfast`)).text()
    expect(module).toContain('holdfast:worker-changed')
    const imported = /from "(\/@fs\/[^"]+register-holdfast[^"]+)"/.exec(module)?.[1] ?? ''
    const response = await fetch(new URL(imported, url))
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('followUpdates')
  })

  it('does nothing in development without a worker', async () => {
    const url = await serve(app({ dev: false }))
    expect(await (await fetch(`${url}@id/__x00__virtual:holdfast`)).text()).toContain('register(false, options)')
  })
})

describe('a worker that leaves', () => {
  it('holds nothing of the app, and pages register none', async () => {
    const caching = [{ match: '/tiles/**', strategy: 'cache-first' as const, cacheName: 'tiles' }]
    await build(app({ selfDestroying: true, caching, handlers: 'none.ts' }))
    const worker = await readFile(path.join(root, 'dist/sw.js'), 'utf8')
    expect(worker).toContain('unregister()')
    expect(worker).toContain('tiles')
    expect(worker).not.toMatch(/index\.html|indexedDB|deleteDatabase/)
    expect(worker.length).toBeLessThan(1000)
    const code = await pageCode()
    expect(code).not.toContain('/sw.js')
    expect(code).toMatch(/getRegistration\(.\/.\)/)
    expect(code).toMatch(/console\.log\((?:!1|false)\)/)
  })

  it('says what becomes of writes that wait', async () => {
    await build(app({ selfDestroying: true, name: 'notes' }))
    expect(lines).toContainEqual(expect.stringMatching(/sw\.js .* unregisters itself and deletes its caches/))
    expect(lines).toContainEqual(expect.stringMatching(/writes that wait stay in the database "notes".* unsent/))
  })

  it('is served in development too', async () => {
    const url = await serve(app({ selfDestroying: true }))
    expect(await (await fetch(`${url}sw.js`)).text()).toContain('unregister()')
    expect(await (await fetch(`${url}@id/__x00__virtual:holdfast/register`)).text()).toContain('getRegistration("/")')
  })
})
