import { attempt, expect, hold, stored, takeOver, test } from './support/precache-app.ts'

test('an update asks for the files that have changed, once each, and for no other', async ({
  page,
  worker,
  server,
}) => {
  await page.goto('/')
  await worker.ready(page)
  const before = await server.filesOf(1)
  expect((await stored(page)).map(withoutRevision)).toEqual([...before].sort())
  server.deploy(2)
  server.asked.length = 0
  expect(await attempt(page)).toBe('installed')
  const changed = await server.changed(1, 2)
  for (const path of ['/index.html', '/settings.json']) expect(changed).toContain(path)
  for (const path of ['/icon.svg', expect.stringMatching(/same.*css/)]) expect(changed).not.toContainEqual(path)
  expect(server.asked.filter(path => path !== '/sw.js').sort()).toEqual(changed.sort())

  await page.evaluate(() => {
    window.isDirty = true
  })
  await takeOver(page)
  expect(await page.evaluate(() => fetch('/settings.json').then(response => response.json()))).toEqual({ version: 2 })
})

test('a file is found whatever its Vary says', async ({ page, worker, server, network }) => {
  server.interfere((_path, response) => response.setHeader('Vary', 'Accept'))
  await page.goto('/')
  await worker.ready(page)
  await network.offline()
  await page.evaluate(async () => {
    const image = new Image()
    image.src = '/icon.svg'
    await image.decode()
  })
})

test('several files are asked for at a time', async ({ page, server }) => {
  const held: (() => void)[] = []
  server.interfere((path, response) => {
    if (!/settings|icon|same|rare|late/.test(path)) return
    hold(response)
    held.push(() => response.destroy())
  })
  await page.goto('/')
  await expect.poll(() => held.length).toBeGreaterThan(3)
})

function withoutRevision(key: string): string {
  return key.replace(/\?__WB_REVISION__=\w+$/, '')
}
