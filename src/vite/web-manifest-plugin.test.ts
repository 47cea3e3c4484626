import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build, createLogger, createServer, type InlineConfig, preview } from 'vite'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { holdfast, type PluginOptions } from './index.ts'

let root: string
let warnings: string[]

beforeEach(async context => {
  root = await realpath(await mkdtemp(path.join(tmpdir(), 'holdfast-web-manifest-')))
  const folder = root
  context.onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  warnings = []
  await write({
    'index.html': '<!doctype html><html><head><title>One</title></head></html>',
    'help/index.html': '<!doctype html><html><head><title>Two</title></head></html>',
    'public/icon.svg': '<svg/>',
  })
})

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true })
    await writeFile(path.join(root, name), text)
  }
}

const MANIFEST = {
  name: 'Tides',
  display: 'standalone' as const,
  theme_color: '#004b49',
  icons: [{ src: 'icon.svg', sizes: 'any' }],
}

function app(options: PluginOptions = {}, config: InlineConfig = {}): InlineConfig {
  const input = ['index.html', 'help/index.html'].map(file => path.join(root, file))
  return {
    root,
    configFile: false,
    customLogger: { ...createLogger('silent'), warn: line => warnings.push(line) },
    plugins: [holdfast({ manifest: MANIFEST, ...options })],
    ...config,
    build: { rolldownOptions: { input }, ...config.build },
  }
}

const read = (file: string) => readFile(path.join(root, 'dist', file), 'utf8')

describe('the web app manifest', () => {
  it.each([
    ['/', '/manifest.webmanifest', '/manifest.webmanifest'],
    ['/app/', '/app/manifest.webmanifest', '/app/manifest.webmanifest'],
    ['./', './manifest.webmanifest', '../manifest.webmanifest'],
  ])('is emitted, and linked by every page under the base %s', async (base, first, second) => {
    await build(app({}, { base }))
    expect(JSON.parse(await read('manifest.webmanifest'))).toEqual({ start_url: './', scope: './', ...MANIFEST })
    expect(await read('index.html')).toContain(`<link rel="manifest" href="${first}">`)
    expect(await read('help/index.html')).toContain(`<link rel="manifest" href="${second}">`)
    expect(await read('help/index.html')).toContain('<meta name="theme-color" content="#004b49">')
    expect(warnings).toEqual([])
  })

  it('is stored by the worker, with a revision', async () => {
    await build(app({ manifestFilename: 'site.webmanifest' }))
    expect(await read('sw.js')).toMatch(/url:\s*.site\.webmanifest.,\s*revision:\s*["'`]\w{16}["'`]/)
  })

  it('leaves a page the link and the colour that it has of its own', async () => {
    const head = '<meta name="theme-color" content="red"><link rel="manifest" href="https://cdn.example/own.json">'
    await write({ 'index.html': `<!doctype html><html><head>${head}</head></html>` })
    await build(app())
    const html = await read('index.html')
    expect(html.match(/rel="manifest"|name="theme-color"/g)).toHaveLength(2)
  })

  it('is not emitted by a build for a server, and not without the option', async () => {
    await write({ 'server.js': 'export const answer = 42' })
    await build(app({}, { build: { ssr: 'server.js', rolldownOptions: {} } }))
    await expect(read('manifest.webmanifest')).rejects.toThrow('ENOENT')
    await build(app({ manifest: undefined }))
    expect(await read('index.html')).not.toContain('manifest')
  })

  it('is warned of in a line for each fault', async () => {
    await build(app({ manifest: { ...MANIFEST, display: undefined, icons: [{ src: 'none.svg', sizes: 'any' }] } }))
    expect(warnings).toEqual([
      expect.stringMatching(/^holdfast: the app cannot be installed.*none\.svg is missing.*$/),
      expect.stringMatching(/^holdfast: the app cannot be installed.*no display.*$/),
    ])
  })

  it.each(['/', '/app/'])('is there in development, under the base %s', async base => {
    const server = await createServer({ ...app({}, { base }), server: { port: 0, host: '127.0.0.1' } })
    onTestFinished(() => server.close())
    await server.listen()
    const url = server.resolvedUrls?.local[0] ?? ''
    expect(await (await fetch(url)).text()).toContain(`<link rel="manifest" href="${base}manifest.webmanifest">`)
    const response = await fetch(`${url}manifest.webmanifest`)
    expect(response.headers.get('content-type')).toBe('application/manifest+json')
    expect(await response.json()).toMatchObject(MANIFEST)
    expect(warnings).toEqual([])
  })

  it('is sent with its type by vite preview', async () => {
    await build(app())
    const server = await preview({ ...app(), preview: { port: 0, host: '127.0.0.1' } })
    onTestFinished(() => server.close())
    const response = await fetch(`${server.resolvedUrls?.local[0]}manifest.webmanifest`)
    expect(response.headers.get('content-type')).toMatch(/^application\/manifest\+json/)
  })
})
