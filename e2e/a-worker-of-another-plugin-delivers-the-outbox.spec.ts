import { join } from 'node:path'
import { serwist } from '@serwist/vite'
import { holdfast } from 'holdfast/vite'
import { build, type PluginOption } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'
import { expect, test } from './support/mode-app.ts'

const PAGE = `<!doctype html><html><head><title>Beside</title></head><body><h1>Beside</h1>
<script type="module" src="/main.js"></script></body></html>`

const APP = {
  'index.html': PAGE,
  'main.js': "import { createHoldfast } from 'holdfast'\nwindow.hf = createHoldfast()\n",
}

/** With its own precache beside ours; with ours alone; without a source of its own. */
const WORKERS: [string, string, (root: string) => PluginOption][] = [
  [
    'vite-plugin-pwa, next to its precache',
    `import { precacheAndRoute } from 'workbox-precaching'
import { startHoldfast } from 'holdfast/sw'
precacheAndRoute(self.__WB_MANIFEST)
startHoldfast({ queue: ['/api/kept/**'] })
`,
    () => VitePWA({ strategies: 'injectManifest', srcDir: 'src', filename: 'sw.js', manifest: false }),
  ],
  [
    '@serwist/vite, with its manifest',
    `import { startHoldfast } from 'holdfast/sw'
startHoldfast({ manifest: self.__SW_MANIFEST, queue: ['/api/kept/**'] })
`,
    root =>
      serwist({
        swSrc: 'src/sw.js',
        swDest: 'sw.js',
        globDirectory: join(root, 'dist'),
        injectionPoint: 'self.__SW_MANIFEST',
      }),
  ],
  [
    'vite-plugin-pwa, which generates it and takes ours in',
    '',
    () => VitePWA({ manifest: false, workbox: { importScripts: ['holdfast-sw.js'] } }),
  ],
]

// Serwist stores nothing in a build that is not for production, and the runner of the tests says that it is one for tests.
const { NODE_ENV } = process.env
test.beforeAll(() => {
  process.env.NODE_ENV = 'production'
})
test.afterAll(() => {
  process.env.NODE_ENV = NODE_ENV
})

for (const [name, source, plugin] of WORKERS) {
  test(`a worker built by ${name} installs, starts the app offline, and delivers with every tab closed`, async ({
    page,
    worker,
    network,
    makeApp,
    serveFolder,
  }) => {
    const root = await makeApp({ ...APP, 'src/sw.js': source })
    // `queue` is for the script of ours; a source of their own has it in its call.
    const ours = holdfast(source ? {} : { queue: ['/api/kept/**'] })
    await build({ root, configFile: false, logLevel: 'silent', plugins: [ours, plugin(root)] })
    const site = await serveFolder(join(root, 'dist'))
    await page.goto(site.url)
    await worker.ready(page)
    const registered = await page.evaluate(async () => {
      const all = await navigator.serviceWorker.getRegistrations()
      return all.map(({ active }) => new URL(active?.scriptURL ?? '').pathname)
    })
    expect(registered).toEqual(['/sw.js'])
    await network.offline()
    await page.reload()
    await expect(page.getByRole('heading')).toHaveText('Beside')
    const status = await page.evaluate(async () => {
      await window.hf.mutate({ url: '/api/notes', json: { text: 'Low tide' } })
      return (await fetch('/api/kept/1', { method: 'POST', body: 'plain' })).status
    })
    expect(status).toBe(202)
    await page.close()
    await network.online()
    await expect.poll(() => site.arrivals, { timeout: 30_000 }).toHaveLength(2)
    expect(new Set(site.arrivals.map(({ url, body }) => `${url} ${body}`))).toEqual(
      new Set(['/api/notes {"text":"Low tide"}', '/api/kept/1 plain']),
    )
  })
}
