import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Updates } from 'virtual:holdfast'
import type { Page } from '@playwright/test'
import { holdfast, type PluginOptions } from 'holdfast/vite'
import { build } from 'vite'
import { test as base } from './small-app.ts'

export { expect } from './small-app.ts'

declare global {
  interface Window {
    updates: Updates
    /** Set before the app starts; `prompt` by default. */
    updateMode?: 'auto'
    /** Whether a form of the app is dirty. */
    isDirty: boolean
    /** How often the app was asked whether it may be reloaded. */
    asked: number
  }
}

/** What is deployed: two versions, and the one that leaves Holdfast. */
const VERSIONS: Record<Version, PluginOptions> = { 1: {}, 2: {}, leaving: { selfDestroying: true } }

type Version = '1' | '2' | 'leaving'

/** A small app that follows its updates; the server has its first version until `deploy()`. */
export const test = base.extend<{ deploy: (version: Version) => Promise<void> }, { versions: string }>({
  versions: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
    async ({}, use) => {
      const root = await mkdtemp(join(tmpdir(), 'holdfast-update-'))
      for (const [version, options] of Object.entries(VERSIONS))
        await buildVersion(join(root, version), version, options)
      await use(root)
      await rm(root, { recursive: true, force: true })
    },
    { scope: 'worker' },
  ],
  site: [({ versions }, use) => use(join(versions, 'current')), { scope: 'worker' }],
  deploy: [
    async ({ versions }, use) => {
      const deploy = async (version: Version) => {
        const next = join(versions, 'next')
        await symlink(join(versions, version, 'dist'), next)
        await rename(next, join(versions, 'current'))
      }
      await deploy('1')
      await use(deploy)
    },
    { auto: true },
  ],
})

async function buildVersion(root: string, version: string, options: PluginOptions): Promise<void> {
  await mkdir(join(root, 'node_modules'), { recursive: true })
  await symlink(resolve(import.meta.dirname, '../..'), join(root, 'node_modules/holdfast'))
  await writeFile(
    join(root, 'index.html'),
    '<!doctype html><title>…</title><script type="module" src="/main.js"></script>',
  )
  await writeFile(join(root, 'main.js'), sourceOf(version))
  // Not minified: that takes two seconds for each app, and the suites of other apps are about what it gives.
  await build({ root, configFile: false, logLevel: 'error', build: { minify: false }, plugins: [holdfast(options)] })
}

function sourceOf(version: string): string {
  return `import { createHoldfast } from 'holdfast'
import { registerHoldfast } from 'virtual:holdfast'
document.title = 'version ${version}'
const note = event => sessionStorage.setItem('events', (sessionStorage.getItem('events') ?? '') + ' ' + event)
note('loaded-${version}')
window.hf = createHoldfast()
window.asked = 0
window.updates = registerHoldfast({
  mode: window.updateMode,
  mayReload: () => ++window.asked > 0 && !window.isDirty,
  onNeedRefresh: () => note('need-refresh'),
  onOfflineReady: () => note('offline-ready'),
  onRegistered: registration => note('registered:' + new URL(registration.scope).pathname),
  onError: error => note(error.code),
})
`
}

/** What has happened in this tab since it was opened, over all its reloads. */
export function eventsOf(page: Page): Promise<string[]> {
  return page.evaluate(() => (sessionStorage.getItem('events') ?? '').trim().split(' '))
}
