import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { runInNewContext } from 'node:vm'
import { build, createBuilder, createLogger, createServer, type InlineConfig, preview, type Rolldown } from 'vite'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { holdfast, type PluginOptions } from './index.ts'

let root: string

beforeEach(async context => {
  root = await realpath(await mkdtemp(path.join(tmpdir(), 'holdfast-vite-')))
  const folder = root
  // Registered first, so that it runs last: after the servers and watchers of the test are closed.
  context.onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  await write({
    'index.html':
      '<!doctype html><html><head></head><body><script type="module" src="/main.js"></script></body></html>',
    'main.js': `import './app.css'\nimport { located } from 'dep'\ndocument.title = JSON.stringify([located, __HOLDFAST_WORKER__])\n`,
    'app.css': 'body { color: green }',
    'public/icon.svg': '<svg/>',
    'node_modules/dep/package.json': '{ "name": "dep", "version": "1.0.0", "type": "module", "exports": "./index.js" }',
    'node_modules/dep/index.js':
      "export const located = typeof __HOLDFAST_WORKER__ === 'undefined' ? 'nowhere' : __HOLDFAST_WORKER__\n",
  })
})

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true })
    await writeFile(path.join(root, name), text)
  }
}

function app(options?: PluginOptions, config: InlineConfig = {}): InlineConfig {
  return { root, configFile: false, logLevel: 'silent', plugins: [holdfast(options)], ...config }
}

const read = (file: string) => readFile(path.join(root, 'dist', file), 'utf8')

/** Files of the manifest in a built worker, with their revisions, and with hashes of names cut out. */
async function manifestOf(code: string): Promise<Record<string, string | null>> {
  const entries = [
    ...code.matchAll(/\{\s*"?url"?:\s*["'`]([^"'`]+)["'`],\s*"?revision"?:\s*(null|["'`]\w+["'`])[\s,}]/g),
  ]
  return Object.fromEntries(
    entries.map(([, url = '', revision]) => [
      url.replace(/-[\w-]{8}\./, '-#.'),
      revision === 'null' ? null : 'content',
    ]),
  )
}

const FILES = {
  'assets/index-#.css': null,
  'assets/index-#.js': null,
  'icon.svg': 'content',
  'index.html': 'content',
}

/** A classic script parses as one; import and export would not. */
function expectClassicScript(code: string): void {
  const listeners: string[] = []
  const addEventListener = (type: string) => listeners.push(type)
  const location = new URL('https://app.example/sw.js')
  const registration = { scope: 'https://app.example/' }
  const self = { addEventListener, location, registration, URL, Request: class {}, navigator: {}, console }
  try {
    runInNewContext(code, Object.assign(self, { self, setTimeout, clearTimeout }))
  } catch (error) {
    if (error instanceof SyntaxError) throw error
  }
  expect(listeners).toEqual(expect.arrayContaining(['install', 'activate', 'fetch', 'message']))
}

vi.setConfig({ testTimeout: 40_000 })

describe('vite build', () => {
  it('emits a classic worker with the manifest of everything that was built, and registers it', async () => {
    await build(app())
    const code = await read('sw.js')
    expect(await manifestOf(code)).toEqual(FILES)
    expectClassicScript(code)
    const html = await read('index.html')
    expect(html).not.toContain('virtual:')
    expect(html).not.toMatch(/<script(?![^>]*src=)/)
    const main = await read(`assets/${/assets\/(index-[\w-]+\.js)/.exec(html)?.[1]}`)
    expect(main).toMatch(/serviceWorker\.register\(.\/sw\.js.,\s*\{\s*scope:\s*.\/.,\s*updateViaCache:\s*.none./)
  })

  it('tells the app and its dependencies where the worker is', async () => {
    await build(app({ name: 'notes' }, { base: '/app/', build: { minify: false } }))
    const main = await read(`assets/${/assets\/(index-[\w-]+\.js)/.exec(await read('index.html'))?.[1]}`)
    expect(
      main.match(/"?url"?: "\/app\/sw\.js",\s*"?scope"?: "\/app\/",\s*"?name"?: "notes"/g)?.length,
    ).toBeGreaterThan(0)
    expect(main).not.toContain('nowhere')
    expect(main).not.toContain('__HOLDFAST_WORKER__')
    expect(main).toMatch(/register\("\/app\/sw\.js"/)
  })

  it('writes a source map when the build does, and neither a second page nor a second copy of public files', async () => {
    await build(app({}, { build: { sourcemap: true } }))
    expect(await read('sw.js')).toContain('sourceMappingURL=sw.js.map')
    expect(JSON.parse(await read('sw.js.map')).sources).toContainEqual(expect.stringContaining('sw/run'))
    expect(Object.keys(await manifestOf(await read('sw.js'))).sort()).toEqual(Object.keys(FILES))
  })

  it('works through the builder, for the client environment alone', async () => {
    await write({ 'server.js': 'export const answer = 42' })
    const ssr = { build: { outDir: 'dist-ssr', rolldownOptions: { input: '/server.js' } } }
    const builder = await createBuilder(app({}, { environments: { ssr }, builder: {} }))
    await builder.buildApp()
    expect(await manifestOf(await read('sw.js'))).toEqual(FILES)
    await expect(readFile(path.join(root, 'dist-ssr/server.mjs'), 'utf8')).resolves.toContain('42')
    await expect(readFile(path.join(root, 'dist-ssr/sw.js'))).rejects.toThrow('ENOENT')
  })

  it('emits no worker for a server build', async () => {
    await write({ 'server.js': 'export const answer = 42' })
    await build(app({}, { build: { ssr: 'server.js' } }))
    await expect(read('sw.js')).rejects.toThrow('ENOENT')
    await expect(read('server.mjs')).resolves.toContain('42')
  })

  it('leaves no worker behind a build that failed', async () => {
    await write({ 'main.js': "import './missing.js'" })
    await expect(build(app())).rejects.toThrow('missing.js')
    await expect(read('sw.js')).rejects.toThrow('ENOENT')
  })

  it('carries regular expressions and the name into the worker', async () => {
    const caching = [{ match: /^https:\/\/tiles\.example\/\d+/i, strategy: 'cache-first' as const }]
    await build(app({ name: 'field-notes', caching }))
    const code = await read('sw.js')
    expect(code).toContain('/^https:\\/\\/tiles\\.example\\/\\d+/i')
    expect(code).toContain('field-notes')
  })

  it('warns once about files that are too large', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    onTestFinished(() => warn.mockRestore())
    await write({ 'public/a.bin': 'x'.repeat(2000), 'public/b.bin': 'x'.repeat(2000) })
    await build(app({ precache: { maximumFileSizeBytes: 1000 } }, { logLevel: 'warn' }))
    expect(warn.mock.calls.map(String).filter(line => line.includes('a.bin') && line.includes('b.bin'))).toHaveLength(1)
    expect(Object.keys(await manifestOf(await read('sw.js')))).not.toContain('a.bin')
  })

  it('refuses a fallback that the build does not have', async () => {
    await expect(build(app({ navigationFallback: 'shell.html' }))).rejects.toThrow(
      '"shell.html" is not among the 4 files',
    )
  })
})

describe('a worker of the app itself', () => {
  beforeEach(() =>
    write({
      'src/sw.ts': `import { greeting } from '@/greeting.ts'
import { startHoldfast } from ${JSON.stringify(path.resolve(import.meta.dirname, '../../sw/index.ts'))}
declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: { url: string; revision: string | null }[] }
startHoldfast({ manifest: self.__WB_MANIFEST })
self.addEventListener('push', () => console.log(greeting, import.meta.env.VITE_SIGN, import.meta.env.MODE, __FLAG__))
`,
      'src/greeting.ts': "export const greeting: string = 'hello one'",
      '.env': 'VITE_SIGN=signed',
    }),
  )
  const config = () => ({ resolve: { alias: { '@': path.join(root, 'src') } }, define: { __FLAG__: '"flagged"' } })

  it('is bundled with the aliases, the definitions and the environment of the app', async () => {
    await build(app({ worker: 'src/sw.ts' }, config()))
    const code = await read('sw.js')
    for (const text of ['hello one', 'signed', 'production', 'flagged']) expect(code).toContain(text)
    expect(await manifestOf(code)).toEqual(FILES)
    expectClassicScript(code)
  })

  it('may import on demand, and ask for its own address and those of assets', async () => {
    await write({
      'src/extra.ts': "export const extra = 'on demand'",
      'src/picture.bin': 'x'.repeat(9000),
      'src/sw.ts': `self.addEventListener('push', () => import('./extra.ts').then(({ extra }) => console.log(extra)))
self.addEventListener('fetch', () => console.log(new URL('./picture.bin', import.meta.url)))\n`,
    })
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    onTestFinished(() => warn.mockRestore())
    await build(app({ worker: 'src/sw.ts' }, { logLevel: 'warn' }))
    const code = await read('sw.js')
    expect(code).toContain('on demand')
    expect(code).toContain('self.location.href')
    expect(code).not.toMatch(/import\.meta|document|window/)
    const asset = /assets\/picture-[\w-]+\.bin/.exec(code)?.[0]
    await expect(read(asset ?? '')).resolves.toHaveLength(9000)
    expect(warn).not.toHaveBeenCalled()
  })

  it('is named when it does not exist', async () => {
    await expect(build(app({ worker: 'src/none.ts' }))).rejects.toThrow(/there is no file .*src\/none\.ts/)
  })

  it('is rebuilt by vite build --watch after the page, also when only a module of the worker changes', async () => {
    const watcher = (await build(
      app({ worker: 'src/sw.ts' }, { ...config(), build: { watch: {} } }),
    )) as Rolldown.RolldownWatcher
    onTestFinished(() => watcher.close())
    const worker = () => read('sw.js').catch(() => '')
    await vi.waitFor(async () => expect(await worker()).toContain('hello one'), PATIENCE)
    await write({ 'src/greeting.ts': "export const greeting: string = 'hello two'" })
    await vi.waitFor(async () => expect(await worker()).toContain('hello two'), PATIENCE)
    await write({ 'main.js': "document.title = 'changed'" })
    await vi.waitFor(async () => {
      const script = /assets\/index-[\w-]+\.js/.exec(await read('index.html'))?.[0]
      expect(await read(script ?? '')).toContain('changed')
      expect(await worker()).toContain(script)
    }, PATIENCE)
  })

  it('keeps vite build --watch alive through a mistake, and says what it is', async () => {
    const error = vi.fn()
    const customLogger = { ...createLogger('silent'), error }
    const watching = await build(app({ worker: 'src/sw.ts' }, { ...config(), customLogger, build: { watch: {} } }))
    onTestFinished(() => (watching as Rolldown.RolldownWatcher).close())
    const worker = () => read('sw.js').catch(() => '')
    await vi.waitFor(async () => expect(await worker()).toContain('hello one'), PATIENCE)
    await write({ 'src/greeting.ts': 'export const greeting = = ' })
    await vi.waitFor(() => expect(String(error.mock.calls)).toMatch(/worker was not built: .*greeting\.ts/s), PATIENCE)
    await write({ 'src/greeting.ts': "export const greeting: string = 'hello again'" })
    await vi.waitFor(async () => expect(await worker()).toContain('hello again'), PATIENCE)
  })

  it('is rebuilt by vite dev when one of its modules changes', async () => {
    const { url, server } = await serve(app({ worker: 'src/sw.ts' }, config()))
    const worker = async () => (await fetch(`${url}sw.js`)).text()
    const first = await worker()
    for (const text of ['hello one', 'signed', 'development', 'flagged']) expect(first).toContain(text)
    await write({ 'src/greeting.ts': "export const greeting: string = 'hello two'" })
    expect(await worker()).toContain('hello two')
    await write({ 'src/greeting.ts': 'export const greeting = = ' })
    expect((await fetch(`${url}sw.js`)).status).toBe(500)
    await write({ 'src/greeting.ts': "export const greeting: string = 'hello three'" })
    expect(await worker()).toContain('hello three')
    const told = vi.spyOn(server.environments.client.hot, 'send')
    // Written again and again: what changes before the watcher is ready goes unseen.
    await vi.waitFor(async () => {
      await write({ 'src/greeting.ts': `export const greeting = '${Date.now()}'` })
      expect(told).toHaveBeenCalledWith('holdfast:worker-changed')
    }, PATIENCE)
  })
})

const PATIENCE = { timeout: 30_000, interval: 50 }

async function serve(config: InlineConfig) {
  const server = await createServer({ ...config, server: { port: 0, host: '127.0.0.1', ...config.server } })
  onTestFinished(() => server.close())
  await server.listen()
  return { server, url: server.resolvedUrls?.local[0] ?? '' }
}

describe('vite dev', () => {
  it.each(['/', '/app/'])('serves the same classic script under the base %s, with an empty manifest', async base => {
    const { url } = await serve(app({}, { base }))
    expect(new URL(url).pathname).toBe(base)
    const response = await fetch(`${url}sw.js`)
    const code = await response.text()
    expect(response.headers.get('content-type')).toMatch(/^text\/javascript/)
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect(await manifestOf(code)).toEqual({})
    expect(code).toContain('sourceMappingURL=data:application/json')
    expectClassicScript(code)
  })

  it('registers it from a module, and defines its place for the app and its dependencies', async () => {
    const { url } = await serve(app({ name: 'notes' }, { base: '/app/' }))
    const html = await (await fetch(url)).text()
    const script = /<script type="module" src="([^"]*html-proxy[^"]*)"/.exec(html)?.[1] ?? ''
    expect(await (await fetch(new URL(script.replaceAll('&amp;', '&'), url))).text()).toContain('holdfast/register')
    const module = await (await fetch(`${url}@id/__x00__virtual:holdfast/register`)).text()
    expect(module).toContain('serviceWorker.register("/app/sw.js"')
    // In development Vite puts definitions on the global object before any module of the app or of a dependency runs.
    const env = await (await fetch(`${url}@vite/env`)).text()
    expect(env).toMatch(/"__HOLDFAST_WORKER__": \{\s*"?url"?:\s*"\/app\/sw\.js"/)
  })

  it('leaves the worker out when it is switched off, and takes away one of an earlier session', async () => {
    const { url } = await serve(app({ dev: false }, { base: '/app/' }))
    expect(await (await fetch(url)).text()).toContain('html-proxy')
    const module = await (await fetch(`${url}@id/__x00__virtual:holdfast/register`)).text()
    expect(module).not.toContain('.register(')
    expect(module).toContain('found.unregister()')
    expect(module).toContain('"/app/sw.js"')
    const worker = await (await fetch(`${url}sw.js`)).text()
    expect(worker).toContain('registration.unregister()')
    expect(worker).not.toContain('indexedDB')
    expect(await (await fetch(`${url}@vite/env`)).text()).toMatch(/"__HOLDFAST_WORKER__": false/)
  })

  it('leaves the worker out where the one of MSW is in the public folder, unless the app wants ours', async () => {
    const info = vi.fn()
    await write({ 'public/mockServiceWorker.js': '' })
    const register = async (options?: PluginOptions) => {
      const { url } = await serve(app(options, { customLogger: { ...createLogger('silent'), info } }))
      return (await fetch(`${url}@id/__x00__virtual:holdfast/register`)).text()
    }
    expect(await register()).toContain('found.unregister()')
    expect(info).toHaveBeenCalledWith(expect.stringContaining('mockServiceWorker.js is in the public folder'))
    info.mockClear()
    expect(await register({ dev: true })).toContain('serviceWorker.register(')
    expect(await register({ dev: false })).toContain('found.unregister()')
    expect(info).not.toHaveBeenCalledWith(expect.stringContaining('mockServiceWorker.js'))
  })
})

describe('vite preview', () => {
  it.each(['/', '/app/'])('serves the worker under %s without letting a cache keep it', async base => {
    await build(app({}, { base }))
    const server = await preview(app({}, { base, preview: { port: 0, host: '127.0.0.1' } }))
    onTestFinished(() => server.close())
    const response = await fetch(`${server.resolvedUrls?.local[0]}sw.js`)
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect(response.headers.get('content-type')).toMatch(/^text\/javascript/)
    expect(await manifestOf(await response.text())).toEqual(FILES)
  })
})
