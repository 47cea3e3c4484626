// Type-checks each program against the library of the place where it runs, then tests, demo and tools together, then the
// examples as their own projects.
import { spawnSync } from 'node:child_process'
import { globSync } from 'tinyglobby'

const programs = [
  'tsconfig.anywhere.json',
  'tsconfig.page.json',
  'tsconfig.worker.json',
  'tsconfig.node.json',
  'tsconfig.json',
  ...globSync('examples/*/tsconfig.json'),
]

const failed = programs.filter(program => {
  const args = ['node_modules/typescript/bin/tsc', '--noEmit', '-p', program]
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0
})
if (failed.length > 0) {
  console.error(`Types do not hold in ${failed.join(', ')}.`)
  process.exit(1)
}
