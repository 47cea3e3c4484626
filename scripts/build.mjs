// Builds the package: one `tsc` per program, all into dist/, which mirrors src/ and sw/. Shared code is in two programs
// on purpose (it must compile for a page and for a worker); both write the same files.
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'

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
