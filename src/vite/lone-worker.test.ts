import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build } from 'vite'
import { beforeEach, expect, it, vi } from 'vitest'
import { holdfast, type PluginOptions } from './index.ts'

let root: string

beforeEach(async context => {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-lone-'))
  context.onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  root = folder
  await writeFile(path.join(root, 'index.html'), '<!doctype html><title>Empty</title>')
  await writeFile(path.join(root, 'handlers.ts'), 'export const handlers = {}')
})

vi.setConfig({ testTimeout: 40_000 })

const PARTS = {
  'the whole driver': /function createGroupCommit/,
  'ranges and walks': /function readRange/,
  'long texts': /Free space on the device/,
  'the judge of the app': /function askJudge/,
  'headers of the app': /provider\?\.refresh/,
}

async function partsOf(options: PluginOptions, parts: Record<string, RegExp> = PARTS): Promise<string[]> {
  const plugins = [holdfast({ register: false, ...options })]
  await build({ root, configFile: false, logLevel: 'silent', build: { minify: false }, plugins })
  const code = await readFile(path.join(root, 'dist/sw.js'), 'utf8')
  return Object.entries(parts).flatMap(([name, pattern]) => (pattern.test(code) ? [name] : []))
}

it('leaves out what only code of the app could reach, where there is none', async () => {
  expect(await partsOf({})).toEqual([])
})

it('leaves nothing out where the app has handlers', async () => {
  expect(await partsOf({ handlers: 'handlers.ts' })).toEqual(Object.keys(PARTS))
})

it.each<[string, PluginOptions, string[]]>([
  ['nothing where no write is kept', {}, []],
  ['no more than that where a rule says nothing else', { queue: ['/api/**'] }, ['keeping']],
  ['joining where a rule says so', { queue: [{ match: '/api/**', coalesce: 'merge' }] }, ['keeping', 'joining']],
  [
    'all of it where the app has handlers',
    { queue: ['/api/**'], handlers: 'handlers.ts' },
    ['keeping', 'joining', 'checks', 'bodies'],
  ],
])('has of what keeps writes %s', async (_, options, parts) => {
  expect(await partsOf(options, CAPTURE_PARTS)).toEqual(parts)
})

const CAPTURE_PARTS = {
  keeping: /Holdfast-Receipt/,
  joining: /cancel-both/,
  checks: /among handlers\.captures/,
  bodies: /read the body of the write/,
}
