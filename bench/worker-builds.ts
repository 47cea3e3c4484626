import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { median, type Ratio, ratioOf } from './statistics.ts'
import { table } from './table.ts'

const ROUNDS = 9
const MODULES = 100

const REPOSITORY = resolve(import.meta.dirname, '..')

/** By what it is called in the report: the lines of a vite.config. */
const PLUGINS: Record<string, { imports: string; plugin: string }> = {
  'no plugin': { imports: '', plugin: '' },
  'holdfast()': { imports: `import { holdfast } from 'holdfast/vite'`, plugin: 'holdfast()' },
  'VitePWA, generateSW': { imports: `import { VitePWA } from 'vite-plugin-pwa'`, plugin: 'VitePWA()' },
  'VitePWA, injectManifest': {
    imports: `import { VitePWA } from 'vite-plugin-pwa'`,
    plugin: `VitePWA({ strategies: 'injectManifest', srcDir: '.', filename: 'sw.js' })`,
  },
}

/** Builds one app with each plugin, in turns, and gives the table. */
export async function buildTimes(work: string): Promise<string> {
  const root = join(work, 'app')
  await writeApp(root)
  const names = Object.keys(PLUGINS)
  const times = new Map<string, number[]>(names.map(name => [name, []]))
  // The first round warms up the disk.
  for (let round = -1; round < ROUNDS; round++) {
    for (const name of round % 2 ? names : names.toReversed()) {
      const time = await buildOnce(root, name)
      if (round >= 0) times.get(name)?.push(time)
    }
  }
  const ours = times.get('holdfast()') ?? []
  const rows = [...times].map(([name, series]) => [
    name,
    (median(series) / 1000).toFixed(2),
    name === 'holdfast()' ? '' : showRatio(ratioOf(ours, series)),
  ])
  return table([[`s for vite build, ${MODULES} modules`, 'seconds', 'ours / this one'], ...rows])
}

async function writeApp(root: string): Promise<void> {
  await mkdir(join(root, 'src'), { recursive: true })
  await symlink(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'))
  const numbers = Array.from({ length: MODULES }, (_, number) => number)
  const files = {
    'package.json': '{ "type": "module" }',
    'index.html':
      '<!doctype html><html><head><script type="module" src="/src/main.js"></script></head><body></body></html>',
    'src/main.js': numbers.map(number => `import './m${number}.js'`).join('\n'),
    'sw.js': `import { precacheAndRoute } from 'workbox-precaching'\nprecacheAndRoute(self.__WB_MANIFEST)`,
    ...Object.fromEntries(numbers.map(number => [`src/m${number}.js`, moduleText(number)])),
    ...Object.fromEntries(Object.entries(PLUGINS).map(([name, config]) => [configName(name), configText(config)])),
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text)
}

function moduleText(number: number): string {
  return `document.body.append(${JSON.stringify(`paragraph ${number} `.repeat(20))})\n`
}

function configName(name: string): string {
  return `vite.${name.replace(/\W+/g, '-')}.config.js`
}

function configText({ imports, plugin }: { imports: string; plugin: string }): string {
  return `${imports}\nexport default { plugins: [${plugin}], logLevel: 'error' }\n`
}

async function buildOnce(root: string, name: string): Promise<number> {
  const begin = performance.now()
  const vite = join(REPOSITORY, 'node_modules/vite/bin/vite.js')
  const child = spawn(process.execPath, [vite, 'build', '--config', configName(name)], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`The build with ${name} ended with ${code}.`)
  return performance.now() - begin
}

function showRatio({ median: middle, low, high }: Ratio): string {
  return `${middle.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`
}
