// What a user of the package gets: exports that resolve, types that are right, and sizes within their budgets.
import { spawnSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import { type OutputChunk, rolldown } from 'rolldown'

interface Budget {
  title: string
  /** Kilobytes (1000 bytes), minified and gzipped. */
  limitKb: number
  code: string
  external?: string[]
}

const BUDGETS: Budget[] = [
  {
    title: 'holdfast without localforage',
    limitKb: 12,
    code: `export * from 'holdfast'`,
    external: ['localforage'],
  },
  {
    title: 'the ready-made worker with Workbox and localforage',
    limitKb: 28,
    code: `import { startHoldfast } from 'holdfast/sw'\nstartHoldfast({ manifest: self.__WB_MANIFEST })`,
  },
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
    const bytes = gzipSync(await bundle(budget), { level: 9 }).byteLength
    const over = bytes > budget.limitKb * 1000
    const line = `${budget.title}: ${(bytes / 1000).toFixed(1)} of ${budget.limitKb} kB`
    if (over) console.error(`Over budget: ${line}`)
    else console.log(line)
    failed.push(over)
  }
  return failed
}

async function bundle({ code, external = [] }: Budget): Promise<string> {
  const entry = '\0entry'
  const bundled = await rolldown({
    input: 'entry',
    external,
    platform: 'browser',
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
    plugins: [
      {
        name: 'entry',
        resolveId: id => (id === 'entry' ? entry : undefined),
        load: id => (id === entry ? code : undefined),
      },
    ],
  })
  const { output } = await bundled.generate({ format: 'es', minify: true })
  // What is loaded later, by import(), does not count.
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
