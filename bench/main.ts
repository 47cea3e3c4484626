// `npm run bench -- <name>`: builds the package, runs that measurement, prints its figures. A missed aim is no failure:
// the exit code tells only whether it could be measured. `--no-build` measures the dist/ that is there.
import { spawnSync } from 'node:child_process'

/** Imported when it runs, because it imports the package that is built first. */
const BENCHES: Record<string, () => Promise<() => Promise<string>>> = {
  enqueue: async () => (await import('./enqueue.ts')).measureEnqueue,
  drain: async () => (await import('./drain.ts')).measureDrain,
  scale: async () => (await import('./scale.ts')).measureScale,
  worker: async () => (await import('./worker.ts')).measureWorker,
  tabs: async () => (await import('./tabs.ts')).measureTabs,
}

const args = process.argv.slice(2)
const load = BENCHES[args.find(arg => !arg.startsWith('--')) ?? '']
if (!load) {
  console.error(`Name what to measure: npm run bench -- <name>. There is: ${Object.keys(BENCHES).join(', ')}.`)
  process.exit(1)
}
if (!args.includes('--no-build')) build()
const measure = await load()
console.log(await measure())

function build(): void {
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
