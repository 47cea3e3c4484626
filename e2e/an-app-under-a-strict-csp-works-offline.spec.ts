import { join } from 'node:path'
import { holdfast } from 'holdfast/vite'
import { build } from 'vite'
import { expect, test } from './support/mode-app.ts'

const POLICY = "default-src 'self'; worker-src 'self'; base-uri 'none'"

test('under a CSP of self alone an app registers its worker, starts offline, and delivers', async ({
  page,
  worker,
  network,
  makeApp,
  serveFolder,
  outbox,
}) => {
  const root = await makeApp({
    'index.html': '<!doctype html><title>Strict</title><script type="module" src="/main.js"></script>',
    'main.js': `import { createHoldfast } from 'holdfast'
import { registerHoldfast } from 'virtual:holdfast'
window.violations = []
addEventListener('securitypolicyviolation', event => violations.push(event.violatedDirective + ' ' + event.blockedURI))
registerHoldfast()
window.hf = createHoldfast()
`,
  })
  const manifest = { name: 'Strict', icons: [] }
  const plugins = [holdfast({ manifest, queue: ['/api/kept/**'] })]
  await build({ root, configFile: false, logLevel: 'error', plugins })
  const site = await serveFolder(join(root, 'dist'), { headers: { 'Content-Security-Policy': POLICY } })
  const complaints: string[] = []
  page.context().on('console', message => {
    if (/Content.Security|Trusted|eval/i.test(message.text())) complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(error.message))

  await page.goto(site.url)
  await worker.ready(page)
  await network.offline()
  await page.reload()
  await expect(page).toHaveTitle('Strict')
  const kept = await page.evaluate(async () => {
    await window.hf.mutate({ url: '/api/notes', json: { text: 'Low tide' } })
    return (await fetch('/api/kept/1', { method: 'POST', body: 'plain' })).status
  })
  expect(kept).toBe(202)
  expect(await outbox.count()).toBe(2)
  await network.online()
  await expect
    .poll(() => site.arrivals.map(({ url }) => url).sort(), { timeout: 30_000 })
    .toEqual(['/api/kept/1', '/api/notes'])
  await expect.poll(() => outbox.count()).toBe(0)
  expect(await page.evaluate(() => (window as unknown as { violations: string[] }).violations)).toEqual([])
  expect(complaints).toEqual([])
})
