import type { ServerResponse } from 'node:http'
import { attempt, expect, hold, stored, takeOver, test } from './support/precache-app.ts'

test('a new version deletes what earlier ones of its scope left, once it is active, and nothing of others', async ({
  page,
  worker,
  server,
}) => {
  await page.goto('/')
  await worker.ready(page)
  const names = await page.evaluate(async () => {
    const { origin } = location
    const others = ['mine', `workbox-precache-v2-${origin}/`, `holdfast:precache:v1:holdfast:${origin}/other/`]
    const outdated = [`holdfast:precache:v0:holdfast:${origin}/`, `holdfast:precache:v1:former-name:${origin}/`]
    for (const name of [...others, ...outdated]) await (await caches.open(name)).put('/a', new Response('a'))
    const ours = await caches.open(`holdfast:precache:v1:holdfast:${origin}/`)
    await ours.put('/assets/of-a-version-that-never-came.js', new Response('a'))
    return { others, outdated, ours: `holdfast:precache:v1:holdfast:${origin}/` }
  })
  server.deploy(2)
  expect(await attempt(page)).toBe('installed')
  const all = [...names.others, ...names.outdated, names.ours].sort()
  expect((await page.evaluate(() => caches.keys())).sort()).toEqual(all)
  expect(await stored(page)).toContain('/assets/of-a-version-that-never-came.js')

  await takeOver(page)
  await expect(page).toHaveTitle('version 2')
  expect((await page.evaluate(() => caches.keys())).sort()).toEqual([...names.others, names.ours].sort())
  expect(await stored(page)).not.toContain('/assets/of-a-version-that-never-came.js')
})

test('a version that is activated while the next one installs deletes nothing of it', async ({
  page,
  worker,
  server,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await page.evaluate(() => {
    window.isDirty = true
  })
  server.deploy(2)
  expect(await attempt(page)).toBe('installed')

  server.deploy(3)
  const files = await server.filesOf(3)
  const held: ServerResponse[] = []
  server.interfere((path, response) => {
    if (!path.startsWith('/assets/rare-')) return
    hold(response)
    held.push(response)
  })
  await page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()))
  const isStored = async (path: string) => (await stored(page)).some(key => key.replace(/\?.*/, '') === path)
  const missing = async () => {
    const found = await Promise.all(files.map(isStored))
    return files.filter((_, index) => !found[index])
  }
  await expect.poll(missing).toEqual([expect.stringMatching(/rare-/)])
  await takeOver(page)
  const [rare = ''] = await missing()
  for (const response of held) response.setHeader('Content-Type', 'text/javascript').end(await server.read(3, rare))
  const isWaiting = async () => (await navigator.serviceWorker.getRegistration())?.waiting != null
  await expect.poll(() => page.evaluate(isWaiting)).toBe(true)
  expect(await missing()).toEqual([])
})
