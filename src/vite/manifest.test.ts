import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { collectManifest, type ManifestSource } from './manifest.ts'

let outDir: string

beforeEach(async () => {
  outDir = await mkdtemp(path.join(tmpdir(), 'holdfast-manifest-'))
})
afterEach(() => rm(outDir, { recursive: true, force: true }))

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(outDir, name)), { recursive: true })
    await writeFile(path.join(outDir, name), text)
  }
}

function collect(source: Partial<ManifestSource> = {}) {
  const isHashed = (file: string) => file.startsWith('assets/')
  const defaults = { include: ['**/*'], exclude: [], maximumFileSizeBytes: 100, filename: 'sw.js', isHashed }
  return collectManifest({ ...defaults, outDir, ...source })
}

describe('collectManifest', () => {
  it('lists every file that a page may ask for, and no other', async () => {
    await write({
      'index.html': 'page',
      'assets/app-abcdefgh.js': 'code',
      'assets/app-abcdefgh.js.map': '{}',
      'icons/a.svg': '<svg/>',
      'sw.js': 'worker',
      'sw.js.map': '{}',
      '.vite/manifest.json': '{}',
      '.nojekyll': '',
      _headers: '/*',
      'app.css.br': 'x',
    })
    const { entries, bytes } = await collect()
    expect(entries.map(entry => entry.url)).toEqual(['icons/a.svg', 'index.html', 'assets/app-abcdefgh.js'])
    expect(bytes).toBe(14)
  })

  it('gives a revision that follows the content, and none to hashed names', async () => {
    await write({ 'index.html': 'one', 'assets/app-abcdefgh.js': 'code' })
    const before = await collect()
    const again = await collect()
    await write({ 'index.html': 'two' })
    const after = await collect()
    expect(before.entries[1]).toEqual({ url: 'assets/app-abcdefgh.js', revision: null })
    expect(before.entries[0]?.revision).toMatch(/^[0-9a-f]{16}$/)
    expect(again).toEqual(before)
    expect(after.entries[0]?.revision).not.toBe(before.entries[0]?.revision)
  })

  it('says by which scripts the page of this version is known', async () => {
    await write({
      'index.html': '<script src="./assets/app-abcdefgh.js"></script><script src="/theme.js"></script>',
      'plain.html': 'no script',
      'theme.js': "'assets/app-abcdefgh.js'",
      'assets/app-abcdefgh.js': 'code',
      'assets/late-abcdefgh.js': 'code',
    })
    const { entries } = await collect()
    const scripts = entries.flatMap(({ url, scripts }) => (scripts ? [[url, scripts]] : []))
    expect(scripts).toEqual([['index.html', ['app-abcdefgh.js']]])
  })

  it('names the files that are too large', async () => {
    await write({ 'index.html': 'page', 'film.mp4': 'x'.repeat(101) })
    const { entries, tooLarge } = await collect()
    expect(entries.map(entry => entry.url)).toEqual(['index.html'])
    expect(tooLarge).toEqual(['film.mp4'])
  })

  it('includes and excludes by glob', async () => {
    await write({ 'index.html': 'page', 'a/one.txt': '1', 'a/two.txt': '2' })
    const { entries } = await collect({ include: ['a/**'], exclude: ['**/two.*'] })
    expect(entries.map(entry => entry.url)).toEqual(['a/one.txt'])
  })

  it('writes addresses as the browser will ask for them', async () => {
    await write({ 'my photo #1.svg': 'x', 'ünder/50%.txt': 'y' })
    const { entries } = await collect()
    expect(entries.map(entry => entry.url)).toEqual(['my%20photo%20%231.svg', '%C3%BCnder/50%25.txt'])
  })
})
