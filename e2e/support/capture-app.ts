import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Page } from '@playwright/test'
import { holdfast, type PluginOptions } from 'holdfast/vite'
import { build } from 'vite'
import { test as base } from './small-app.ts'

export { expect } from './small-app.ts'

interface WorkerFixtures {
  /** What the app gives to the plugin. */
  plugin: PluginOptions
  /** Files of the app besides its pages, by their path. */
  sources: Record<string, string>
  site: string
}

/** An app that sends by plain `fetch` and forms; the plugin is all that there is of Holdfast, and the rules are the test's. */
export const test = base.extend<object, WorkerFixtures>({
  plugin: [{ queue: ['/api/**'] }, { scope: 'worker', option: true }],
  sources: [{}, { scope: 'worker', option: true }],
  site: [
    async ({ plugin, sources }, use) => {
      const root = await mkdtemp(join(tmpdir(), 'holdfast-capture-app-'))
      await mkdir(join(root, 'node_modules'))
      await symlink(resolve(import.meta.dirname, '../..'), join(root, 'node_modules/holdfast'))
      for (const [name, text] of Object.entries({ ...PAGES, ...sources })) {
        await mkdir(dirname(join(root, name)), { recursive: true })
        await writeFile(join(root, name), text)
      }
      const input = ['index.html', 'saved.html'].map(name => join(root, name))
      const rolldownOptions = { input }
      await build({
        root,
        configFile: false,
        logLevel: 'error',
        build: { minify: false, rolldownOptions },
        plugins: [holdfast(plugin)],
      })
      await use(join(root, 'dist'))
      await rm(root, { recursive: true, force: true })
    },
    { scope: 'worker' },
  ],
})

const PAGES = {
  'index.html': `<!doctype html>
<title>Write</title>
<form method="post" action="/api/reports"><input name="title" aria-label="Report"><button>File report</button></form>
`,
  'saved.html': '<!doctype html><title>Saved</title>',
}

/** What the app gets for a write. */
export interface Heard {
  status: number
  /** Of a write that is kept. */
  receipt?: string
  location?: string
  body: string
}

export type Write = Omit<RequestInit, 'body'> & { body?: string }

/** Sends a write by plain `fetch`; undefined where that fails. The method is POST unless it is said. */
export function send(page: Page, url: string, init: Write = {}): Promise<Heard | undefined> {
  return page.evaluate(
    async ([url, init]) => {
      const response = await fetch(url, { method: 'POST', ...init }).catch(() => undefined)
      const [receipt, location] = ['Holdfast-Receipt', 'Location'].map(name => response?.headers.get(name) ?? undefined)
      return response && { status: response.status, receipt, location, body: await response.text() }
    },
    [url, init] as const,
  )
}

/** How a kept write stands, as its `Location` says. */
export function stateAt(page: Page, location = ''): Promise<Record<string, unknown>> {
  return page.evaluate(url => fetch(url).then(response => response.json()), location)
}

/** Opens the app with its worker at work. */
export async function open(page: Page, worker: { ready(page: Page): Promise<void> }): Promise<void> {
  await page.goto('/')
  await worker.ready(page)
}
