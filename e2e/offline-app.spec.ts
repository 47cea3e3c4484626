import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { holdfast, type PluginOptions } from 'holdfast/vite'
import { build, createServer as createDevServer } from 'vite'

interface App {
  root: string
  origin: string
  /** How often the server was asked for each path. */
  hits: Map<string, number>
  build(base: string, options?: PluginOptions): Promise<void>
  write(files: Record<string, string>): Promise<void>
}

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.svg': 'image/svg+xml', '.css': 'text/css' }

const SOURCES = {
  'index.html': '<!doctype html><html><body><h1>…</h1><script type="module" src="/main.js"></script></body></html>',
  'main.js': `import { located } from 'dep'
document.querySelector('h1').textContent = 'The app, version 1'
document.body.dataset.located = JSON.stringify(located)
window.lazy = () => import('./lazy.js').then(module => module.text)
`,
  'lazy.js': "export const text = 'loaded when asked'",
  'public/icon.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>',
  'node_modules/dep/package.json': '{ "name": "dep", "version": "1.0.0", "main": "index.js" }',
  'node_modules/dep/index.js': `exports.located = typeof __HOLDFAST_WORKER__ === 'undefined' ? 'nowhere' : __HOLDFAST_WORKER__
`,
}

const it = test.extend<{ app: App }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of fixtures from this pattern
  app: async ({}, use) => {
    const root = await mkdtemp(path.join(tmpdir(), 'holdfast-offline-'))
    const hits = new Map<string, number>()
    const server = createHttpServer(
      (request, response) => void answer(request, response, path.join(root, 'dist'), hits),
    )
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const origin = `http://localhost:${(server.address() as AddressInfo).port}`
    const write = (files: Record<string, string>) => writeAll(root, files)
    await write(SOURCES)
    const buildApp = async (base: string, options?: PluginOptions) => {
      const outDir = path.join('dist', base)
      await build({
        root,
        base,
        configFile: false,
        logLevel: 'error',
        plugins: [holdfast(options)],
        build: { outDir, minify: false },
      })
    }
    await use({ root, origin, hits, write, build: buildApp })
    server.closeAllConnections()
    server.close()
    await rm(root, { recursive: true, force: true, maxRetries: 5 })
  },
})

async function writeAll(root: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true })
    await writeFile(path.join(root, name), text)
  }
}

/** Files of the build, a few server routes, and no fallback of its own: a deep link is a 404 here. */
async function answer(request: IncomingMessage, response: ServerResponse, dist: string, hits: Map<string, number>) {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const count = (hits.get(pathname) ?? 0) + 1
  hits.set(pathname, count)
  response.setHeader('Access-Control-Allow-Origin', pathname.startsWith('/opaque') ? 'none' : '*')
  if (pathname.endsWith('/silent')) return
  if (pathname.endsWith('/slow-later') && count > 1) return
  if (pathname.endsWith('/fails-once') && count === 1) response.statusCode = 500
  if (/^\/(api|opaque)\//.test(pathname)) return response.end(`${request.method} ${count}`)
  if (pathname.endsWith('/oauth/callback')) return response.end('signed in by the server')
  const file = path.join(dist, pathname.endsWith('/') ? `${pathname}index.html` : pathname)
  const content = await readFile(file).catch(() => undefined)
  if (content === undefined) response.statusCode = 404
  response.setHeader('Content-Type', TYPES[path.extname(file)] ?? 'text/html')
  response.end(content ?? 'nothing here')
}

async function controlled(page: Page): Promise<void> {
  await page.waitForFunction(() => navigator.serviceWorker.controller?.state === 'activated')
}

const heading = (page: Page) => page.getByRole('heading')

/** The text of an answer, or the name of the error. */
function get(
  page: Page,
  address: string,
  init: Pick<RequestInit, 'method' | 'mode' | 'headers'> = {},
): Promise<string> {
  return page.evaluate(
    ([url, options]) =>
      fetch(url, options).then(
        response => response.text(),
        (error: Error) => error.name,
      ),
    [address, init] as const,
  )
}

/** Waits for an answer to be in a cache: it is written after the page has got it. */
async function stored(page: Page, address: string, text: string): Promise<void> {
  const find = (url: string) => caches.match(url).then(response => response?.text())
  await expect.poll(() => page.evaluate(find, address)).toBe(text)
}

for (const base of ['/', '/app/']) {
  it(`an app built with no options loads offline, under the base ${base}`, async ({ app, page, context }) => {
    const url = app.origin + base
    await app.build(base)
    await page.goto(url)
    await controlled(page)
    await expect(page.locator('body')).toHaveAttribute(
      'data-located',
      JSON.stringify({ url: `${base}sw.js`, scope: base, name: 'holdfast' }),
    )

    await context.setOffline(true)
    await page.reload()
    await expect(heading(page)).toHaveText('The app, version 1')
    expect(await page.evaluate(() => (window as unknown as { lazy(): Promise<string> }).lazy())).toBe(
      'loaded when asked',
    )
    expect(await get(page, `${base}icon.svg`)).toContain('<svg')
    await page.goto(`${url}notes/7?tab=photos`)
    await expect(heading(page)).toHaveText('The app, version 1')

    await context.setOffline(false)
    await page.goto(`${url}oauth/callback?code=1`)
    await expect(page.locator('body')).toHaveText('signed in by the server')
  })
}

it('a page that the server is silent about is answered by the app after three seconds', async ({ app, page }) => {
  await app.build('/')
  await page.goto(app.origin)
  await controlled(page)
  await page.goto(`${app.origin}/silent`)
  await expect(heading(page)).toHaveText('The app, version 1')
})

it('pages on the deny list are left to the browser', async ({ app, page, context }) => {
  await app.build('/', { navigationFallback: { url: 'index.html', deny: ['/admin/**', /[?&]raw\b/] } })
  await page.goto(app.origin)
  await controlled(page)
  await context.setOffline(true)
  for (const address of ['/admin/users', '/notes?raw']) {
    const denied = await context.newPage()
    await expect(denied.goto(app.origin + address)).rejects.toThrow('ERR_INTERNET_DISCONNECTED')
  }
  await page.goto(`${app.origin}/notes`)
  await expect(heading(page)).toHaveText('The app, version 1')
})

it('every caching strategy does what its name says, and other methods go to the server', async ({
  app,
  page,
  context,
}) => {
  await app.build('/', {
    caching: [
      { match: '/api/cache-first/*', strategy: 'cache-first' },
      { match: '/api/network-first/*', strategy: 'network-first', timeoutMs: 500 },
      { match: /\/api\/stale\//, strategy: 'stale-while-revalidate', cacheName: 'stale-answers' },
      { match: '/api/cache-only/*', strategy: 'cache-only' },
      { match: `http://127.0.0.1:${new URL(app.origin).port}/**`, strategy: 'cache-first' },
      { match: '/api/**', strategy: 'network-only' },
    ],
  })
  await page.goto(app.origin)
  await controlled(page)

  expect(await get(page, '/api/cache-first/a')).toBe('GET 1')
  await stored(page, '/api/cache-first/a', 'GET 1')
  expect(await get(page, '/api/cache-first/a')).toBe('GET 1')
  expect(await get(page, '/api/cache-first/a', { method: 'POST' })).toBe('POST 2')
  expect(await get(page, '/api/cache-first/fails-once')).toBe('GET 1')
  expect(await get(page, '/api/cache-first/fails-once')).toBe('GET 2')

  expect(await get(page, '/api/network-first/a')).toBe('GET 1')
  expect(await get(page, '/api/network-first/a')).toBe('GET 2')
  await stored(page, '/api/network-first/a', 'GET 2')
  expect(await get(page, '/api/network-first/slow-later')).toBe('GET 1')
  await stored(page, '/api/network-first/slow-later', 'GET 1')
  expect(await get(page, '/api/network-first/slow-later')).toBe('GET 1')

  expect(await get(page, '/api/stale/a')).toBe('GET 1')
  await stored(page, '/api/stale/a', 'GET 1')
  expect(await get(page, '/api/stale/a')).toBe('GET 1')
  await expect.poll(async () => Number((await get(page, '/api/stale/a')).slice(4))).toBeGreaterThan(1)
  expect(await page.evaluate(() => caches.has('stale-answers'))).toBe(true)

  expect(await get(page, '/api/other')).toBe('GET 1')
  expect(await get(page, '/api/other')).toBe('GET 2')
  expect(await get(page, '/api/cache-only/a')).toBe('TypeError')

  const foreign = app.origin.replace('localhost', '127.0.0.1')
  for (let time = 0; time < 2; time++) await get(page, `${foreign}/opaque/a`, { mode: 'no-cors' })
  expect(app.hits.get('/opaque/a')).toBe(2)
  expect(await get(page, `${foreign}/api/shared`)).toBe('GET 1')
  await stored(page, `${foreign}/api/shared`, 'GET 1')
  expect(await get(page, `${foreign}/api/shared`)).toBe('GET 1')

  await context.setOffline(true)
  expect(await get(page, '/api/cache-first/a')).toBe('GET 1')
  expect(await get(page, '/api/network-first/a')).toBe('GET 2')
  expect(await get(page, '/api/stale/a')).toMatch(/^GET \d/)
  expect(await get(page, '/api/other')).toBe('TypeError')
  expect(await get(page, '/api/cache-first/a', { method: 'POST' })).toBe('TypeError')
})

it('a new version waits, takes over when it is told to, and leaves no old cache behind', async ({ app, page }) => {
  await app.build('/')
  await page.goto(app.origin)
  await controlled(page)
  await page.evaluate(() => caches.open(`holdfast:precache:v0:old:${location.origin}/`))
  await app.write({ 'main.js': "document.querySelector('h1').textContent = 'The app, version 2'" })
  await app.build('/')
  const waits = page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready
    await registration.update()
    const worker = registration.installing ?? registration.waiting
    await new Promise<void>(resolve => {
      const look = () => worker?.state === 'installed' && resolve()
      worker?.addEventListener('statechange', look)
      look()
    })
  })
  await waits
  await page.reload()
  await expect(heading(page)).toHaveText('The app, version 1')
  await page.evaluate(async () => {
    const changed = new Promise(resolve => navigator.serviceWorker.addEventListener('controllerchange', resolve))
    const { waiting } = await navigator.serviceWorker.ready
    for (const data of [null, 'hello', { type: 'OTHER' }, { type: 'SKIP_WAITING' }]) waiting?.postMessage(data)
    await changed
  })
  await controlled(page)
  await page.reload()
  await expect(heading(page)).toHaveText('The app, version 2')
  const { names, scripts } = await page.evaluate(async () => {
    const names = (await caches.keys()).filter(name => name.startsWith('holdfast:precache:'))
    const requests = await (await caches.open(names[0] ?? '')).keys()
    return { names, scripts: requests.map(request => request.url).filter(url => /index-.*\.js/.test(url)) }
  })
  expect(names).toEqual([`holdfast:precache:v1:holdfast:${app.origin}/`])
  // Tabs of the version before may still ask for parts of it.
  expect(scripts).toHaveLength(2)
})

it('in development the page has the same worker, also as seen from an optimized dependency', async ({ app, page }) => {
  const server = await createDevServer({
    root: app.root,
    base: '/app/',
    configFile: false,
    logLevel: 'error',
    plugins: [holdfast()],
    optimizeDeps: { include: ['dep'] },
    server: { port: 0 },
  })
  try {
    await server.listen()
    await page.goto(server.resolvedUrls?.local[0] ?? '')
    await controlled(page)
    await expect(page.locator('body')).toHaveAttribute('data-located', /"\/app\/sw\.js"/)
    expect(await page.evaluate(() => performance.getEntriesByType('resource').map(entry => entry.name))).toContainEqual(
      expect.stringContaining('/.vite/deps/dep.js'),
    )
    const worker = await page.evaluate(async () => {
      const { active, scope } = await navigator.serviceWorker.ready
      return { url: active?.scriptURL, scope }
    })
    expect(worker).toEqual({ url: expect.stringMatching(/\/app\/sw\.js$/), scope: expect.stringMatching(/\/app\/$/) })
  } finally {
    await server.close()
  }
})
