import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Page } from '@playwright/test'
import { build } from 'vite'
import { test as base } from './small-app.ts'

export { expect } from './small-app.ts'

/** An app with a hand-written worker: its writes go through `BackgroundSyncPlugin` of ours, or of Workbox itself. */
export const test = base.extend<object, { site: string }>({
  site: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
    async ({}, use) => {
      const root = await mkdtemp(join(tmpdir(), 'holdfast-workbox-app-'))
      await use(await buildWorkboxApp(root))
      await rm(root, { recursive: true, force: true })
    },
    { scope: 'worker' },
  ],
})

/** The two workers of the app, which keep requests in the queue "notes". */
export type WorkerName = 'ours' | 'workbox'

/** Has the page controlled by that worker, whatever was before. */
export async function useWorker(page: Page, name: WorkerName): Promise<void> {
  await page.evaluate(async url => {
    const { serviceWorker } = navigator
    const once = (target: EventTarget, type: string) =>
      new Promise(resolve => target.addEventListener(type, resolve, { once: true }))
    await serviceWorker.register(url)
    while (!serviceWorker.controller?.scriptURL.endsWith(url)) await once(serviceWorker, 'controllerchange')
    // A worker that takes over from another one controls the page before its activation is done.
    while (serviceWorker.controller.state !== 'activated') await once(serviceWorker.controller, 'statechange')
  }, `/${name}.js`)
}

/** Posts a note by plain `fetch`; says whether there was an answer. */
export function post(page: Page, text: string): Promise<boolean> {
  return page.evaluate(
    body =>
      fetch('/api/notes', { method: 'POST', body }).then(
        () => true,
        () => false,
      ),
    text,
  )
}

/** Starts the worker with a `sync` event for the queue, as Chromium does some minutes after one that failed. */
export async function dispatchSync(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const registration = new Promise<string>(resolve => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      for (const { registrationId, isDeleted } of registrations) if (!isDeleted) resolve(registrationId)
    })
  })
  await session.send('ServiceWorker.enable')
  await session.send('ServiceWorker.dispatchSyncEvent', {
    origin: new URL(page.url()).origin,
    registrationId: await registration,
    tag: 'workbox-background-sync:notes',
    lastChance: false,
  })
  await session.detach()
}

const workerSource = (from: string, extra = '') => `
import { registerRoute } from 'workbox-routing'
import { NetworkOnly } from 'workbox-strategies'
import { adoptWorkboxQueue } from 'holdfast/workbox'
import { BackgroundSyncPlugin } from '${from}'

const later = new BackgroundSyncPlugin('notes')
registerRoute(({ url }) => url.pathname === '/api/notes', new NetworkOnly({ plugins: [later] }), 'POST')
addEventListener('install', () => skipWaiting())
addEventListener('activate', event => event.waitUntil((async () => {
  ${extra}
  await clients.claim()
})()))
`

const SOURCES: Record<WorkerName, string> = {
  ours: workerSource('holdfast/workbox', "await adoptWorkboxQueue('notes')"),
  workbox: workerSource('workbox-background-sync'),
}

async function buildWorkboxApp(root: string): Promise<string> {
  const repository = resolve(import.meta.dirname, '../..')
  await mkdir(join(root, 'node_modules'))
  await symlink(repository, join(root, 'node_modules/holdfast'))
  for (const name of ['workbox-routing', 'workbox-strategies', 'workbox-background-sync']) {
    await symlink(join(repository, 'node_modules', name), join(root, 'node_modules', name))
  }
  await mkdir(join(root, 'dist'))
  await writeFile(join(root, 'dist/index.html'), '<!doctype html><title>Notes</title>')
  for (const [name, source] of Object.entries(SOURCES)) await buildWorker(root, name, source)
  return join(root, 'dist')
}

async function buildWorker(root: string, name: string, source: string): Promise<void> {
  await writeFile(join(root, `${name}.js`), source)
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      emptyOutDir: false,
      rolldownOptions: {
        input: join(root, `${name}.js`),
        output: { format: 'iife', entryFileNames: '[name].js', codeSplitting: false },
      },
    },
  })
}
