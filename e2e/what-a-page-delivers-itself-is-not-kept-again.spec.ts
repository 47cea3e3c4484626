import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { holdfast } from 'holdfast/vite'
import { build } from 'vite'
import { test as base, expect } from './support/small-app.ts'

/** A page that delivers its outbox itself, under a worker that keeps what fails. */
const test = base.extend<object, { site: string }>({
  site: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures from the pattern.
    async ({}, use) => {
      const root = await mkdtemp(join(tmpdir(), 'holdfast-page-drain-'))
      await mkdir(join(root, 'node_modules'))
      await symlink(resolve(import.meta.dirname, '../'), join(root, 'node_modules/holdfast'))
      await writeFile(join(root, 'index.html'), '<!doctype html><script type="module" src="/main.js"></script>')
      await writeFile(
        join(root, 'main.js'),
        "import { createHoldfast } from 'holdfast'\nwindow.hf = createHoldfast({ name: 'mine', worker: false, retry: { baseMs: 1 } })\n",
      )
      await build({ root, configFile: false, logLevel: 'error', plugins: [holdfast({ queue: ['/**'] })] })
      await use(join(root, 'dist'))
      await rm(root, { recursive: true, force: true })
    },
    { scope: 'worker' },
  ],
})

test('what a page delivers of its outbox itself is not kept again by the worker', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  app.answer((_, response) => {
    response.statusCode = app.arrivals.length < 3 ? 503 : 201
    response.end()
  })
  const settlement = await page.evaluate(async () => {
    const { settled } = await window.hf.mutate({ url: '/api/notes', json: { text: 'Low tide' } })
    return settled
  })
  expect(settlement).toMatchObject({ kind: 'confirmed', status: 201 })
  expect(app.arrivals).toHaveLength(3)
  expect(app.arrivals.map(({ url }) => url)).toEqual(Array(3).fill('/api/notes'))
  expect(await outbox.count()).toBe(0)
})
