import { readdir } from 'node:fs/promises'
import { SourceMap } from 'node:module'
import path from 'node:path'
import { runInNewContext } from 'node:vm'
import { build, createServer, type InlineConfig } from 'vite'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { useApp, WORKER_MODULE } from './app.fixture.ts'

vi.setConfig({ testTimeout: 40_000 })

const FAILING = `// The lines above it move when it is built.
interface Broken {
  message: string
}

export function fail({ message }: Broken): never {
  throw new Error(message)
}
`

const app = useApp({
  'index.html': '<!doctype html><html><head></head><body><script type="module" src="/main.js"></script></body></html>',
  'main.js': 'document.title = 7',
  'src/broken.ts': FAILING,
  'src/sw.ts': `import { startHoldfast } from ${JSON.stringify(WORKER_MODULE)}
import { fail } from './broken.ts'

startHoldfast()
self.addEventListener('push', () => fail({ message: 'broken on purpose' }))
`,
})

interface Frame {
  line: number
  column: number
}

/** Runs a worker as far as its listeners, dispatches `push`, and gives where the error was thrown. */
function thrownAt(code: string, filename: string): Frame {
  const listeners = new Map<string, (event: object) => void>()
  const scope = {
    addEventListener: (type: string, listener: () => void) => listeners.set(type, listener),
    location: new URL('https://app.example/sw.js'),
    registration: { scope: 'https://app.example/' },
    crypto: globalThis.crypto,
    navigator: {},
    URL,
    Request,
    Headers,
    AbortController,
    setTimeout: () => 0,
    clearTimeout: () => undefined,
    console,
  }
  runInNewContext(code, Object.assign(scope, { self: scope }), { filename })
  try {
    listeners.get('push')?.({})
  } catch (error) {
    const [, line, column] = new RegExp(`${filename}:(\\d+):(\\d+)`).exec((error as Error).stack ?? '') ?? []
    return { line: Number(line), column: Number(column) }
  }
  throw new Error('Nothing was thrown.')
}

/** The place in the sources that a place of the bundle comes from; lines count from 1. */
function originOf(map: ConstructorParameters<typeof SourceMap>[0], { line, column }: Frame) {
  const entry = new SourceMap(map).findEntry(line - 1, column - 1)
  if (!('originalSource' in entry)) throw new Error('The map does not know the place.')
  return { source: path.basename(entry.originalSource), line: entry.originalLine + 1 }
}

const THROWN = { source: 'broken.ts', line: FAILING.split('\n').findIndex(line => line.includes('throw')) + 1 }

describe('the source map of a worker', () => {
  it.each<[string, InlineConfig['build']]>([
    ['minified', { sourcemap: true }],
    ['not minified', { sourcemap: true, minify: false }],
    ['hidden', { sourcemap: 'hidden' }],
  ])('leads from an error to the line that threw it, %s', async (_, options) => {
    await build(app.config({ worker: 'src/sw.ts' }, { build: options }))
    const code = await app.read('dist/sw.js')
    expect(code.includes('sourceMappingURL=sw.js.map')).toBe(options?.sourcemap === true)
    const map = JSON.parse(await app.read('dist/sw.js.map'))
    expect(originOf(map, thrownAt(code, 'sw.js'))).toEqual(THROWN)
  })

  it('is right in development, too', async () => {
    const config = app.config({ worker: 'src/sw.ts' })
    const server = await createServer({ ...config, server: { port: 0, host: '127.0.0.1' } })
    onTestFinished(() => server.close())
    await server.listen()
    const code = await (await fetch(`${server.resolvedUrls?.local[0]}sw.js`)).text()
    const [, encoded = ''] = /sourceMappingURL=data:application\/json;[^,]*base64,(\S+)/.exec(code) ?? []
    const map = JSON.parse(Buffer.from(encoded, 'base64').toString())
    expect(originOf(map, thrownAt(code, 'sw.js'))).toEqual(THROWN)
  })
})

describe('a built worker', () => {
  it('needs no eval, and neither does what pages load of ours', async () => {
    const page = path.resolve(import.meta.dirname, '../index.ts')
    await app.write({ 'main.js': `import { createHoldfast } from ${JSON.stringify(page)}\ncreateHoldfast()` })
    await build(app.config({ queue: ['/api/**'], caching: [{ match: '/t/**', strategy: 'cache-first' }] }))
    const scripts = (await readdir(path.join(app.root, 'dist/assets'))).filter(file => file.endsWith('.js'))
    expect(scripts.length).toBeGreaterThan(1)
    for (const file of ['sw.js', ...scripts.map(script => `assets/${script}`)]) {
      expect(await app.read(`dist/${file}`)).not.toMatch(/\beval\s*\(|\bnew Function\b|\bFunction\s*\(/)
    }
  })

  it('stays legible when the build is not minified, and speaks the language of the target', async () => {
    await app.write({ 'src/sw.ts': "self.addEventListener('push', event => console.log(event?.data ?? 'nothing'))" })
    await build(app.config({ worker: 'src/sw.ts' }, { build: { minify: false, target: 'es2019' } }))
    const legible = await app.read('dist/sw.js')
    expect(legible.split('\n').length).toBeGreaterThan(3)
    expect(legible).not.toMatch(/\?\.|\?\?/)
    await build(app.config({ worker: 'src/sw.ts' }, { build: { target: 'es2019' } }))
    expect(await app.read('dist/sw.js')).not.toMatch(/\?\.|\?\?/)
  })

  it('gets the aliases, the definitions and the environment of the app in its handlers, too', async () => {
    await app.write({
      '.env.staging': 'VITE_REALM=shore\nOWN_REALM=tide\n',
      'src/names.ts': "export const judge = 'by the alias'",
      'src/handlers.ts': `import { judge } from '@/names.ts'
export const handlers = { judges: { [judge]: () => [import.meta.env.OWN_REALM, import.meta.env.MODE, __BUILD__].join() } }
`,
    })
    const alias = { '@': path.join(app.root, 'src') }
    const define = { __BUILD__: '"build-17"' }
    await build(
      app.config({ handlers: 'src/handlers.ts' }, { mode: 'staging', envPrefix: 'OWN_', resolve: { alias }, define }),
    )
    const code = await app.read('dist/sw.js')
    for (const text of ['by the alias', 'tide', 'staging', 'build-17']) expect(code).toContain(text)
    expect(code).not.toContain('shore')
  })

  it('comes into the folder of the build, with the files of the public folder, wherever they are', async () => {
    await app.write({ 'static/icon.svg': '<svg/>', 'public/other.svg': '<svg/>' })
    const outDir = path.join(app.root, 'elsewhere/site')
    await build(app.config({}, { publicDir: 'static', build: { outDir } }))
    const code = await app.read('elsewhere/site/sw.js')
    expect(code).toContain('icon.svg')
    expect(code).not.toContain('other.svg')
  })
})
