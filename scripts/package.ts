// What a user of the package gets: exports that resolve, types that are right, and sizes within their budgets.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { holdfast, type PluginOptions } from 'holdfast/vite'
import { type OutputChunk, rolldown } from 'rolldown'
import { build } from 'vite'

interface Budget {
  title: string
  /** Kilobytes (1000 bytes), minified and gzipped; without one the size is only told. */
  limitKb?: number
  code: () => Promise<string>
}

const STRATEGIES = ['cache-first', 'network-first', 'stale-while-revalidate', 'network-only', 'cache-only'] as const
const EACH_STRATEGY = STRATEGIES.map(strategy => ({ match: `/${strategy}/**`, strategy }))

const BUDGETS: Budget[] = [
  { title: 'holdfast without localforage', limitKb: 12, code: bundlePage },
  { title: 'the ready-made worker with Workbox and localforage', limitKb: 28, code: () => buildWorker() },
  { title: 'the same with a rule for each caching strategy', code: () => buildWorker({ caching: EACH_STRATEGY }) },
  { title: 'the same with writes that are kept', limitKb: 34, code: () => buildWorker({ queue: ['/api/**'] }) },
]

const failures = [
  tool('publint', ['--strict']),
  tool('attw', ['--pack', '.', '--profile', 'esm-only']),
  ...(await sizes()),
]
if (failures.some(Boolean)) process.exit(1)

function tool(name: string, args: string[]): boolean {
  const { status, stdout, stderr } = spawnSync('npx', ['--no-install', name, ...args], { encoding: 'utf8' })
  if (status !== 0) console.error(`${name}:\n${stdout}${stderr}`)
  else console.log(`${name}: nothing to say`)
  return status !== 0
}

async function sizes(): Promise<boolean[]> {
  const failed: boolean[] = []
  for (const budget of BUDGETS) {
    const bytes = gzipSync(await budget.code(), { level: 9 }).byteLength
    const { title, limitKb = Number.POSITIVE_INFINITY } = budget
    const over = bytes > limitKb * 1000
    const line = `${title}: ${(bytes / 1000).toFixed(2)}${budget.limitKb ? ` of ${limitKb}` : ''} kB`
    if (over) console.error(`Over budget: ${line}`)
    else console.log(line)
    failed.push(over)
  }
  return failed
}

/** The worker as the plugin gives it to an app that has no options, or these alone. */
async function buildWorker(options: PluginOptions = {}): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-size-'))
  await writeFile(join(root, 'index.html'), '<!doctype html><title>Empty</title>')
  await build({ root, configFile: false, logLevel: 'silent', plugins: [holdfast({ ...options, register: false })] })
  const worker = await readFile(join(root, 'dist/sw.js'), 'utf8')
  await rm(root, { recursive: true })
  return worker
}

/** What a page loads at once. What is loaded later, by import(), does not count. */
async function bundlePage(): Promise<string> {
  const bundled = await rolldown({
    input: 'entry',
    external: ['localforage'],
    platform: 'browser',
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
    plugins: [
      {
        name: 'entry',
        resolveId: id => (id === 'entry' ? '\0entry' : undefined),
        load: id => (id === '\0entry' ? "export * from 'holdfast'" : undefined),
      },
    ],
  })
  const { output } = await bundled.generate({ format: 'es', minify: true })
  const chunks = new Map(output.flatMap(file => (file.type === 'chunk' ? [[file.fileName, file] as const] : [])))
  return [...withStaticImports(output[0], chunks)].map(chunk => chunk.code).join('\n')
}

function withStaticImports(
  chunk: OutputChunk,
  chunks: Map<string, OutputChunk>,
  found = new Set<OutputChunk>(),
): Set<OutputChunk> {
  found.add(chunk)
  for (const name of chunk.imports) {
    const imported = chunks.get(name)
    if (imported && !found.has(imported)) withStaticImports(imported, chunks, found)
  }
  return found
}
