import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { holdfast } from 'holdfast/vite'
import { expect, test } from './support/mode-app.ts'

const page = "import { createHoldfast } from 'holdfast'\nwindow.hf = createHoldfast()\n"
const APP = {
  'index.html': '<!doctype html><title>Dev</title><script type="module" src="/main.js"></script>',
  'main.js': page,
  'src/greeting.ts': "export const greeting: string = 'one'",
  'src/sw.ts': `import { startHoldfast } from 'holdfast/sw'
import { greeting } from './greeting.ts'
startHoldfast({ manifest: self.__WB_MANIFEST, queue: ['/api/kept/**'] })
self.addEventListener('fetch', event => {
  if (event.request.url.endsWith('/greeting')) event.respondWith(new Response(greeting))
})
`,
}

for (const base of ['/', '/app/']) {
  test(`in vite dev under ${base} a worker keeps writes offline, and is replaced when a module of it changes`, async ({
    page,
    worker,
    network,
    outbox,
    makeApp,
    startDev,
  }) => {
    const root = await makeApp(APP)
    const site = await startDev({ root, base, plugins: [holdfast({ worker: 'src/sw.ts' })] })
    await page.goto(site.url)
    await worker.ready(page)
    const registered = await page.evaluate(async () => {
      const { scope, active } = await navigator.serviceWorker.ready
      return [scope, active?.scriptURL]
    })
    expect(registered).toEqual([site.url, `${site.url}sw.js`])
    const greeting = () => page.evaluate(async () => (await fetch('greeting')).text())
    expect(await greeting()).toBe('one')
    await writeFile(join(root, 'src/greeting.ts'), "export const greeting: string = 'two'")
    await expect.poll(greeting).toBe('two')

    await network.offline()
    await page.evaluate(async () => {
      await window.hf.mutate({ url: '/api/notes', json: { text: 'Low tide' } })
      await fetch('/api/kept/1', { method: 'POST', body: 'plain' })
    })
    expect(await outbox.count()).toBe(2)
    await network.online()
    await expect
      .poll(() => site.arrivals.map(({ url }) => url).sort(), { timeout: 30_000 })
      .toEqual(['/api/kept/1', '/api/notes'])
  })
}
