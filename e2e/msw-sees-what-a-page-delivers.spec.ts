import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import type { Page } from '@playwright/test'
import { holdfast, type PluginOptions } from 'holdfast/vite'
import { expect, test } from './support/mode-app.ts'

declare global {
  interface Window {
    seen: string[]
    mocking: Promise<unknown>
  }
}

const MAIN = `import { createHoldfast } from 'holdfast'
import { http, HttpResponse } from 'msw'
import { setupWorker } from 'msw/browser'
window.seen = []
const mocks = setupWorker(http.post('/api/notes', async ({ request }) => {
  seen.push(request.headers.get('idempotency-key') + ' ' + await request.text())
  return HttpResponse.json({ mocked: true }, { status: 201 })
}))
window.mocking = mocks.start({ quiet: true, onUnhandledRequest: 'bypass' })
await mocking
window.hf = createHoldfast({ worker: new URLSearchParams(location.search).get('worker') ?? undefined })
`

/** As the documentation of MSW says. */
function initMsw(root: string): void {
  const cli = resolve(import.meta.dirname, '../node_modules/msw/cli/index.js')
  const { status, stderr } = spawnSync(process.execPath, [cli, 'init', join(root, 'public'), '--no-save'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`msw init: ${stderr}`)
}

const APP = {
  'index.html': '<!doctype html><title>Mocked</title><script type="module" src="/main.js"></script>',
  'main.js': MAIN,
  'public/.keep': '',
  'package.json': '{ "name": "mocked", "private": true }',
}

async function mutate(page: Page): Promise<unknown> {
  await page.waitForFunction(() => window.hf !== undefined)
  return page.evaluate(async () => {
    const receipt = await window.hf.mutate({ url: '/api/notes', json: { text: 'Low tide' } })
    const { kind, ...rest } = await receipt.settled
    return { kind, body: (rest as { body?: unknown }).body, seen: window.seen.length }
  })
}

const MOCKED = { kind: 'confirmed', body: { mocked: true }, seen: 1 }

for (const [name, options] of [
  ['with dev: false', { dev: false }],
  ['where the worker of MSW is in the public folder', {}],
] as [string, PluginOptions][]) {
  test(`${name} a mutation is delivered by the page, and the handler of MSW answers it`, async ({
    page,
    makeApp,
    startDev,
  }) => {
    const root = await makeApp(APP)
    initMsw(root)
    const site = await startDev({ root, plugins: [holdfast(options)] })
    await page.goto(site.url)
    expect(await mutate(page)).toEqual(MOCKED)
    await page.reload()
    expect(await mutate(page)).toEqual(MOCKED)
    expect(site.arrivals).toEqual([])
  })
}

test('a page delivers by itself where the worker in charge is the one of MSW, which does not answer ours', async ({
  page,
  makeApp,
  startDev,
}) => {
  const root = await makeApp(APP)
  initMsw(root)
  const site = await startDev({ root, plugins: [holdfast()] })
  await page.goto(`${site.url}?worker=/mockServiceWorker.js`)
  expect(await mutate(page)).toEqual(MOCKED)
  const url = await page.evaluate(() => navigator.serviceWorker.controller?.scriptURL)
  expect(url).toBe(`${site.url}mockServiceWorker.js`)
})
