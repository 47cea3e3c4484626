import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'

const PACKAGE = resolve(import.meta.dirname, '../..')

/** What `tsc` says of an app of this one file. */
function typeCheck(source: string, types: string[] = []): string {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-types-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: ['es2023', 'dom'],
    types,
  }
  mkdirSync(join(root, 'node_modules'))
  symlinkSync(PACKAGE, join(root, 'node_modules/holdfast'))
  writeFileSync(join(root, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }))
  writeFileSync(join(root, 'main.ts'), source)
  const { stdout } = spawnSync(process.execPath, [join(PACKAGE, 'node_modules/typescript/bin/tsc'), '-p', root], {
    encoding: 'utf8',
  })
  return stdout
}

const APP = `import 'virtual:holdfast/register'
import { registerHoldfast, type Updates } from 'virtual:holdfast'
const updates: Updates = registerHoldfast({
  mode: 'auto',
  mayReload: async () => document.forms.length === 0,
  onRegistered: registration => console.log(registration.scope),
})
updates.update().then(() => updates.check())
`

describe('holdfast/client', () => {
  it('types the virtual modules, by a reference or by the option types', () => {
    expect(typeCheck(APP, ['holdfast/client'])).toBe('')
    expect(typeCheck(`/// <reference types="holdfast/client" />\n${APP}`)).toBe('')
  })

  it('is what types them, and refuses what does not exist', () => {
    expect(typeCheck(APP)).toMatch(/Cannot find module 'virtual:holdfast'/)
    expect(typeCheck(APP.replace("'auto'", "'always'"), ['holdfast/client'])).toMatch(/'"always"' is not assignable/)
  })
})
