import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Holdfast } from 'holdfast'
import { holdfast } from 'holdfast/vite'
import { build } from 'vite'

declare global {
  interface Window {
    hf: Holdfast
  }
}

// One attempt that counts would make a dead letter: what the network does must not count.
const SOURCES = {
  'index.html': '<!doctype html><title>Airplane</title><script type="module" src="/main.js"></script>',
  'main.js': `import { createHoldfast } from 'holdfast'
window.hf = createHoldfast({ retry: { attempts: 1 } })
`,
}

/** Builds a small app with the plugin in that folder. Gives the folder of what was built. */
export async function buildSite(root: string): Promise<string> {
  await mkdir(join(root, 'node_modules'), { recursive: true })
  await symlink(resolve(import.meta.dirname, '../..'), join(root, 'node_modules/holdfast'))
  for (const [name, text] of Object.entries(SOURCES)) await writeFile(join(root, name), text)
  await build({ root, configFile: false, logLevel: 'error', plugins: [holdfast()] })
  return join(root, 'dist')
}
