import { access, mkdir, symlink } from 'node:fs/promises'
import path from 'node:path'
import { Script } from 'node:vm'
import { serwist } from '@serwist/vite'
import { build, createServer, type InlineConfig, type PluginOption } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { precached, useApp } from './app.fixture.ts'
import type { PluginOptions } from './index.ts'

vi.setConfig({ testTimeout: 40_000 })

const BARE = 'self.addEventListener("fetch", () => {})\nconsole.log(self.__WB_MANIFEST)\n'
const WITH_OURS = `import { startHoldfast } from 'holdfast/sw'\nstartHoldfast({ manifest: self.__WB_MANIFEST })\n`

const app = useApp({
  'index.html':
    '<!doctype html><html><head></head><body><p>App</p><script type="module" src="/main.js"></script></body></html>',
  'main.js': 'document.title = JSON.stringify(__HOLDFAST_WORKER__)',
  'src/sw.ts': WITH_OURS,
})

// As installed: the package is found by its name, in the build of the other tool as well.
beforeEach(async () => {
  await mkdir(path.join(app.root, 'node_modules'))
  const here = path.resolve(import.meta.dirname, '../..')
  await symlink(here, path.join(app.root, 'node_modules/holdfast'))
  await symlink(path.join(here, 'node_modules/workbox-window'), path.join(app.root, 'node_modules/workbox-window'))
})

const PWA = { strategies: 'injectManifest', srcDir: 'src', filename: 'sw.ts', manifest: false } as const
const SERWIST = {
  swSrc: 'src/sw.ts',
  swDest: 'sw.js',
  globDirectory: 'dist',
  injectionPoint: 'self.__WB_MANIFEST',
  globPatterns: ['**/*.html'],
}

const TOOLS: Record<string, () => PluginOption> = {
  'vite-plugin-pwa': () => VitePWA(PWA),
  'vite-plugin-pwa (iife)': () => VitePWA({ ...PWA, injectManifest: { rollupFormat: 'iife' } }),
  'vite-plugin-pwa (not minified)': () => VitePWA({ ...PWA, injectManifest: { minify: false } }),
  '@serwist/vite': () => serwist(SERWIST),
  '@serwist/vite (iife)': () => serwist({ ...SERWIST, rollupFormat: 'iife' }),
}

const config = (tool: PluginOption, options?: PluginOptions, more?: InlineConfig) =>
  app.config(options, { ...more, plugins: [tool] })

/** What we say, a line each. */
const said = () => app.lines.filter(line => line.startsWith('holdfast:'))

/** What `__HOLDFAST_WORKER__` holds in the built page. */
async function located(): Promise<string> {
  const script = /assets\/index-[\w-]+\.js/.exec(await app.read('dist/index.html'))?.[0]
  const code = await app.read(`dist/${script}`)
  return /JSON\.stringify\((.*?)\)/s.exec(code)?.[1]?.replace(/[\s"`']/g, '') ?? ''
}

describe.each(Object.entries(TOOLS))('beside %s', (name, tool) => {
  it('one worker is built, from its source, and it delivers the outbox', async () => {
    await build(config(tool(), { name: 'notes' }))
    const code = await app.read('dist/sw.js')
    expect(code).toContain('.holdfast-files-')
    expect(code).toContain('index.html')
    expect(() => new Script(code)).not.toThrow()
    expect(code).not.toMatch(/\bimport\(/)
    expect(said()).toEqual([`holdfast: the service worker of ${name.replace(/ .*/, '')} delivers the outbox`])
    expect(await located()).toBe('{url:/sw.js,scope:/,name:notes}')
    expect(await app.read('dist/index.html')).not.toMatch(/holdfast/)
  })
})

describe('beside another plugin', () => {
  it.each(['vite-plugin-pwa', '@serwist/vite'])('%s, one line says what its worker lacks', async name => {
    await app.write({ 'src/sw.ts': BARE })
    await build(config(TOOLS[name]?.(), { queue: ['/api/**'], caching: [{ match: /^\/t/, strategy: 'cache-first' }] }))
    expect(said()).toEqual([
      expect.stringContaining(
        `${name} builds the service worker, which does not deliver the outbox yet. Add to its source: import { startHoldfast } from 'holdfast/sw'; startHoldfast({"caching": [{"match": /^\\/t/, "strategy": "cache-first"}], "queue": [`,
      ),
    ])
  })

  it('one line says which options it cannot see', async () => {
    await build(config(TOOLS['vite-plugin-pwa']?.(), { queue: ['/api/**'], precache: false, name: 'notes' }))
    expect(said()).toEqual([expect.stringMatching(/queue, precache of holdfast\(\) has no effect.*startHoldfast\(\)/)])
  })

  it.each<[string, PluginOption, string]>([
    ['that registers inline', VitePWA({ ...PWA, injectRegister: 'inline' }), '{url:/sw.js,scope:/,name:holdfast}'],
    [
      'that leaves registering to the app',
      VitePWA({ ...PWA, injectRegister: false }),
      '{url:/sw.js,scope:/,name:holdfast}',
    ],
    [
      'of another scope and name',
      VitePWA({ strategies: 'generateSW', filename: 'worker.js', scope: '/app/', manifest: false }),
      '{url:/worker.js,scope:/app/,name:holdfast}',
    ],
    ['that is switched off', VitePWA({ ...PWA, disable: true }), '!1'],
    ['of serwist, switched off', serwist({ ...SERWIST, disable: true }), '!1'],
  ])('%s the page is told where the worker is', async (_, plugin, expected) => {
    await build(config(plugin))
    expect(await located()).toBe(expected)
  })

  it('still registers in the way that it would have', async () => {
    await app.write({ 'main.js': "import { registerSW } from 'virtual:pwa-register'\nregisterSW()" })
    await build(config(TOOLS['vite-plugin-pwa']?.()))
    await expect(access(path.join(app.root, 'dist/registerSW.js'))).rejects.toThrow('ENOENT')
    await app.write({ 'main.js': 'document.title = 7' })
    await build(config(TOOLS['vite-plugin-pwa']?.()))
    expect(await app.read('dist/index.html')).toContain('registerSW.js')
  })

  it('under a base that is relative, the place of its worker begins at the script', async () => {
    await build(config(TOOLS['vite-plugin-pwa']?.(), {}, { base: './' }))
    expect(await located()).toBe('{url:newURL(../sw.js,import.meta.url')
  })
})

describe('beside a worker that is generated', () => {
  it('one line says what to set', async () => {
    await build(config(VitePWA({ manifest: false })))
    expect(said()).toEqual([expect.stringContaining("workbox: { importScripts: ['holdfast-sw.js'] }")])
    await expect(access(path.join(app.root, 'dist/holdfast-sw.js'))).rejects.toThrow('ENOENT')
  })

  it('a script is built that it takes in, with the options of ours', async () => {
    const pwa = VitePWA({ manifest: false, workbox: { importScripts: ['holdfast-sw.js'] } })
    await build(config(pwa, { queue: ['/api/**'], name: 'notes' }))
    const code = await app.read('dist/holdfast-sw.js')
    expect(() => new Script(code)).not.toThrow()
    expect(code).toContain('/api/**')
    expect(code).toContain('notes')
    expect(precached(code)).toEqual([])
    expect(await app.read('dist/sw.js')).toContain('importScripts("holdfast-sw.js")')
    expect(said()).toEqual(['holdfast: holdfast-sw.js delivers the outbox, in the worker of vite-plugin-pwa'])
  })
})

async function serve(plugin: PluginOption, options?: PluginOptions) {
  const server = await createServer({ ...config(plugin, options), server: { port: 0, host: '127.0.0.1' } })
  onTestFinished(() => server.close())
  await server.listen()
  return server.resolvedUrls?.local[0] ?? ''
}

describe('in vite dev', () => {
  it.each<[string, () => PluginOption, string]>([
    ['vite-plugin-pwa serves none by default', () => VitePWA(PWA), 'false'],
    [
      'vite-plugin-pwa serves a module',
      () => VitePWA({ ...PWA, devOptions: { enabled: true, type: 'module' } }),
      '{"url":"/dev-sw.js?dev-sw","scope":"/","name":"holdfast","type":"module"}',
    ],
    [
      'vite-plugin-pwa generates a classic one, and the app registers it',
      () => VitePWA({ manifest: false, injectRegister: null, devOptions: { enabled: true } }),
      '{"url":"/dev-sw.js?dev-sw","scope":"/","name":"holdfast"}',
    ],
    [
      '@serwist/vite serves a module',
      () => serwist(SERWIST),
      '{"url":"/sw.js","scope":"/","name":"holdfast","type":"module"}',
    ],
  ])('%s', async (_, plugin, expected) => {
    const url = await serve(plugin())
    const env = await (await fetch(`${url}@vite/env`)).text()
    const value = /"__HOLDFAST_WORKER__": (false|\{[^}]*\})/.exec(env)?.[1] ?? ''
    expect(value.replace(/\s/g, '').replace(/([{,])(\w+):/g, '$1"$2":')).toBe(expected)
    expect(await (await fetch(`${url}@id/__x00__virtual:holdfast/register`)).text()).not.toContain('register(')
    expect(await (await fetch(url)).text()).not.toContain('holdfast')
  })

  it('serves the script for a generated worker', async () => {
    const url = await serve(VitePWA({ manifest: false, devOptions: { enabled: true } }), { queue: ['/api/**'] })
    const response = await fetch(`${url}holdfast-sw.js`)
    expect(response.headers.get('content-type')).toMatch(/^text\/javascript/)
    expect(await response.text()).toContain('/api/**')
  })

  it('requests for the worker come to the other plugin one at a time, as @serwist/vite needs it', async () => {
    let running = 0
    let most = 0
    const slow: PluginOption = {
      name: 'slow',
      enforce: 'pre',
      configureServer: server => {
        server.middlewares.use(async (request, response, next) => {
          if (request.url !== '/sw.js') return next()
          most = Math.max(most, ++running)
          await new Promise(resolve => setTimeout(resolve, 20))
          running -= 1
          response.end('built')
        })
      },
    }
    // Behind the first of ours, which waits; before the one of serwist.
    const url = await serve([slow, serwist(SERWIST)])
    const ask = async (init: RequestInit) => (await fetch(`${url}sw.js`, init)).text()
    const script = { headers: { 'Service-Worker': 'script' } }
    const answers = await Promise.all([ask(script), ask({ method: 'HEAD' }), ask(script), ask(script)])
    expect(answers).toEqual(['built', '', 'built', 'built'])
    expect(most).toBe(1)
  })
})
