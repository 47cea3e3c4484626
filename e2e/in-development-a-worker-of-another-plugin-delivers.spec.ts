import { serwist } from '@serwist/vite'
import { holdfast } from 'holdfast/vite'
import type { PluginOption } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'
import { expect, test } from './support/mode-app.ts'

const WORKER = `import { startHoldfast } from 'holdfast/sw'
startHoldfast({ manifest: self.__WB_MANIFEST, queue: ['/api/kept/**'] })
`

const TOOLS: [string, string, () => PluginOption][] = [
  [
    'vite-plugin-pwa',
    '/dev-sw.js?dev-sw',
    () =>
      VitePWA({
        strategies: 'injectManifest',
        srcDir: 'src',
        filename: 'sw.js',
        manifest: false,
        devOptions: { enabled: true, type: 'module' },
      }),
  ],
  [
    '@serwist/vite',
    '/sw.js',
    () => serwist({ swSrc: 'src/sw.js', swDest: 'sw.js', globDirectory: 'dist', injectionPoint: 'self.__WB_MANIFEST' }),
  ],
]

for (const [name, path, plugin] of TOOLS) {
  test(`in vite dev the worker of ${name} takes what the page writes offline, and delivers it`, async ({
    page,
    network,
    makeApp,
    startDev,
  }) => {
    const root = await makeApp({
      'index.html':
        '<!doctype html><html><head><title>Dev</title></head><body><script type="module" src="/main.js"></script></body></html>',
      'main.js': "import { createHoldfast } from 'holdfast'\nwindow.hf = createHoldfast()\n",
      'src/sw.js': WORKER,
    })
    const site = await startDev({ root, plugins: [holdfast(), plugin()] })
    await page.goto(site.url)
    // Vite loads the page anew when it has found what it imports, and a registration may end with the page that asked for it.
    await expect(async () => {
      await page.reload()
      const isReady = () => navigator.serviceWorker.controller?.state === 'activated' && 'hf' in window
      await page.waitForFunction(isReady, undefined, { timeout: 5_000 })
    }).toPass()
    const url = await page.evaluate(() => navigator.serviceWorker.controller?.scriptURL)
    expect(url).toBe(new URL(path, site.url).href)
    await network.offline()
    const status = await page.evaluate(async () => {
      await window.hf.mutate({ url: '/api/notes', json: { text: 'Low tide' } })
      return (await fetch('/api/kept/1', { method: 'POST', body: 'plain' })).status
    })
    expect(status).toBe(202)
    await network.online()
    await expect
      .poll(() => site.arrivals.map(({ url }) => url).sort(), { timeout: 30_000 })
      .toEqual(['/api/kept/1', '/api/notes'])
  })
}
