// Builds the package: one `tsc` per program, all into dist/, which mirrors src/ and sw/. Shared code is in two programs
// on purpose (it must compile for a page and for a worker); both write the same files.
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { rolldown } from 'rolldown'

const programs = ['anywhere', 'page', 'worker', 'node']

rmSync('dist', { recursive: true, force: true })
for (const program of programs) {
  const { status } = spawnSync(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', `tsconfig.${program}.json`],
    {
      stdio: 'inherit',
    },
  )
  if (status !== 0) process.exit(status ?? 1)
}
// What declares modules by name has no program of its own, and tsc copies no declarations.
cpSync('src/client/virtual.d.ts', 'dist/src/client/virtual.d.ts')
await bundleWorkerEntries()

/**
 * What people import into a worker of their own has no `import()`, which pages need: a worker is one file, and what other
 * tools make of an `import()` wants a document, or an `import.meta`. Workbox and the other packages stay imports.
 */
async function bundleWorkerEntries() {
  const { importAtOnce } = await import('../dist/src/vite/import-at-once.js')
  const bundle = await rolldown({
    input: { sw: 'dist/sw/index.js', workbox: 'dist/src/workbox/index.js' },
    external: id => !id.startsWith('.') && !isAbsolute(id),
    platform: 'browser',
    plugins: [importAtOnce()],
  })
  // Without comments: Workbox's injectManifest wants `self.__WB_MANIFEST` once, and counts the one of an example.
  const output = { format: 'es', sourcemap: true, chunkFileNames: 'shared.js', comments: { jsdoc: false } }
  await bundle.write({ dir: 'dist/worker', ...output })
  await bundle.close()
}
