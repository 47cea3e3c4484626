import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Holdfast } from 'holdfast'
import { holdfast } from 'holdfast/vite'
import { build } from 'vite'
import { TAKE_ORDERS } from './orders.ts'

declare global {
  interface Window {
    hf: Holdfast
    /** The paths of fresher answers that this page has heard of. */
    fresh: string[]
    /** For each time that the page was shown, whether it came from the back-forward cache. */
    shows: boolean[]
  }
}

/** Builds a small app with the plugin's own worker in a folder; gives the folder with the files to serve. */
export async function buildSite(root: string): Promise<string> {
  await mkdir(join(root, 'node_modules'))
  await symlink(resolve(import.meta.dirname, '../..'), join(root, 'node_modules/holdfast'))
  await mkdir(join(root, 'public'))
  for (const [name, text] of Object.entries(SOURCES)) await writeFile(join(root, name), text)
  await build({ root, configFile: false, logLevel: 'error', plugins: [PLUGIN] })
  return join(root, 'dist')
}

const PLUGIN = holdfast({
  handlers: 'handlers.js',
  queue: ['/kept/**'],
  caching: [
    { match: '/notes/**', strategy: 'stale-while-revalidate', tags: ['notes'] },
    { match: '/tides/**', strategy: 'network-first', timeoutMs: 2000, maxEntries: 2 },
    { match: '/sounds/**', strategy: 'cache-first', ranges: true },
  ],
  imageFallback: 'away.svg',
})

const SOURCES = {
  'index.html': '<!doctype html><title>Small</title><script type="module" src="/main.js"></script>',
  'public/away.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="5"/>',
  'main.js': `import { createHoldfast } from 'holdfast'
import { onFresh } from 'virtual:holdfast'
import { handlers } from './handlers.js'
const options = new URLSearchParams(location.search).get('options')
window.hf = createHoldfast({ handlers, ...JSON.parse(options ?? '{}') })
window.fresh = []
onFresh(({ url }) => window.fresh.push(new URL(url).pathname))
window.shows = []
addEventListener('pageshow', ({ persisted }) => window.shows.push(persisted))
${TAKE_ORDERS}`,
  // The page and the worker import it. The worker tells which one it is, and from then on that it still runs.
  'handlers.js': `export const handlers = {}
const id = String(Math.random())
const beat = () => fetch('/beat', { method: 'POST' }).catch(() => undefined)
if (!('document' in globalThis))
  addEventListener('message', ({ data, ports }) => {
    if (data !== 'who') return
    setInterval(beat, 200)
    beat()
    ports[0].postMessage(id)
  })
`,
}
