import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'vite'

/** The two workers of an app that moves over: they keep what is posted to `/api/notes` in the queue "notes". */
export type WorkerName = 'workbox' | 'ours'

/** Builds the app in a folder of its own, for as long as `use` takes. */
export async function withWorkboxSite(use: (site: string) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-engine-workbox-'))
  const repository = resolve(import.meta.dirname, '../..')
  try {
    await mkdir(join(root, 'node_modules'))
    await symlink(repository, join(root, 'node_modules/holdfast'))
    for (const name of ['workbox-routing', 'workbox-strategies', 'workbox-background-sync']) {
      await symlink(join(repository, 'node_modules', name), join(root, 'node_modules', name))
    }
    await mkdir(join(root, 'dist'))
    await writeFile(join(root, 'dist/index.html'), '<!doctype html><title>Notes</title>')
    for (const [name, source] of Object.entries(SOURCES)) await buildWorker(root, name, source)
    await use(join(root, 'dist'))
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

const COMMON = `
import { registerRoute } from 'workbox-routing'
import { NetworkOnly } from 'workbox-strategies'
const keepBy = later =>
  registerRoute(({ url }) => url.pathname === '/api/notes', new NetworkOnly({ plugins: [later] }), 'POST')
addEventListener('install', () => skipWaiting())
`

const SOURCES: Record<WorkerName, string> = {
  workbox: `${COMMON}
import { BackgroundSyncPlugin } from 'workbox-background-sync'
keepBy(new BackgroundSyncPlugin('notes'))
addEventListener('activate', event => event.waitUntil(clients.claim()))
`,
  // The page says when to send: neither engine has Background Sync.
  ours: `${COMMON}
import { adoptWorkboxQueue, BackgroundSyncPlugin, Queue } from 'holdfast/workbox'
keepBy(new BackgroundSyncPlugin('notes'))
const tags = new Queue('tags')
addEventListener('activate', event => event.waitUntil(takeOver()))
async function takeOver() {
  self.adoption = await adoptWorkboxQueue('notes')
  await clients.claim()
}
addEventListener('message', event => {
  const { data, ports: [port] } = event
  const answer = async () => {
    if (data === 'adoption') return self.adoption
    if (data === 'size') return tags.size()
    if (data === 'replay') return tags.replayRequests().then(() => 'sent', ({ name }) => name)
    await tags.pushRequest({ request: new Request('/api/tags', { method: 'POST', body: data }), metadata: { by: 'hand' } })
    return (await tags.getAll()).map(({ metadata }) => metadata)
  }
  event.waitUntil(answer().then(said => port.postMessage(said)))
})
`,
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
