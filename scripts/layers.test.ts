import { readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { globSync } from 'tinyglobby'
import { describe, expect, it } from 'vitest'

/** What each place may import, besides itself and packages. The order of the design: docs/design.md. */
const MAY_IMPORT: Record<string, string[]> = {
  'src/protocol': [],
  'src/storage': ['src/protocol'],
  'src/tabs': ['src/protocol'],
  'src/outbox': ['src/storage', 'src/tabs', 'src/protocol'],
  'src/page': ['src/outbox', 'src/storage', 'src/tabs', 'src/protocol'],
  // Of the app's modules `virtual:holdfast`, which the plugin names by its path.
  'src/client': ['src/tabs', 'src/protocol'],
  'src/index.ts': ['src/page', 'src/outbox', 'src/protocol'],
  sw: ['src/outbox', 'src/storage', 'src/tabs', 'src/protocol'],
  'src/workbox': ['src/outbox', 'src/storage', 'src/tabs', 'src/protocol'],
  'src/server': ['src/protocol'],
  'src/playwright': ['src/protocol'],
  // The worker's entry is named by its path, never imported.
  'src/vite': ['src/protocol'],
  // By the package's public names only.
  demo: [],
}

const root = resolve(import.meta.dirname, '..')
const files = globSync(['src/**/*.ts', 'sw/**/*.ts', 'demo/**/*.ts'], { cwd: root, ignore: ['**/dist/**'] })

describe('layers', () => {
  it('knows the place of every file', () => {
    expect(files.length).toBeGreaterThan(40)
    expect(files.filter(file => placeOf(file) === undefined)).toEqual([])
  })

  it('holds: each place imports only what it may', () => {
    expect(files.flatMap(violationsOf)).toEqual([])
  })

  it('keeps modules of shared code free of state', () => {
    const shared = files.filter(file => /^src\/(protocol|storage|tabs|outbox|workbox)\//.test(file) && !isTest(file))
    const stateful = shared.filter(file => /^(?:export )?(?:let|var) /m.test(readFileSync(resolve(root, file), 'utf8')))
    expect(stateful).toEqual([])
  })
})

function placeOf(file: string): string | undefined {
  return Object.keys(MAY_IMPORT).find(place => file === place || file.startsWith(`${place}/`))
}

function isTest(file: string): boolean {
  return file.endsWith('.test.ts') || file.endsWith('.contract.ts') || file.endsWith('.fixture.ts')
}

function isBuildTest(file: string): boolean {
  return isTest(file) && file.startsWith('src/vite/')
}

function violationsOf(file: string): string[] {
  const from = placeOf(file)
  if (!from) return []
  const allowed = [from, ...(MAY_IMPORT[from] ?? [])]
  return (
    importsOf(file)
      .map(target => ({ target, place: placeOf(target) }))
      // A test may use the tools of the repository, as a database to run against; and one of the build looks into what it
      // has built.
      .filter(({ place }) => (place === undefined ? !isTest(file) : !allowed.includes(place) && !isBuildTest(file)))
      .map(({ target }) => `${file} imports ${target}`)
  )
}

function importsOf(file: string): string[] {
  const source = readFileSync(resolve(root, file), 'utf8')
  const specifiers = [...source.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*['"](\.[^'"]*)['"]/g)].map(
    match => match[1] ?? '',
  )
  return specifiers.map(specifier => relative(root, resolve(root, dirname(file), specifier)))
}
