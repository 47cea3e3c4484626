import type { ServerResponse } from 'node:http'
import { attempt, expect, stored, takeOver, test } from './support/precache-app.ts'

const ANSWERS: [string, (response: ServerResponse) => unknown][] = [
  ['a page', response => response.setHeader('Content-Type', 'text/html; charset=utf-8').end('<!doctype html>')],
  ['a redirect to a page', response => response.writeHead(302, { Location: '/index.html' }).end()],
  ['status 404', response => response.writeHead(404, { 'Content-Type': 'text/javascript' }).end()],
]

for (const [title, answer] of ANSWERS) {
  test(`${title} in place of a script is not stored, and the version before works on`, async ({
    page,
    worker,
    server,
    network,
  }) => {
    await page.goto('/')
    await worker.ready(page)
    server.deploy(2)
    server.interfere((path, response) => /\/assets\/rare-/.test(path) && answer(response))
    expect(await attempt(page)).toBe('redundant')
    const [rare = ''] = (await server.changed(1, 2)).filter(path => path.startsWith('/assets/rare-'))
    expect(await stored(page)).not.toContain(rare)
    await network.offline()
    await page.goto('/')
    await expect(page).toHaveTitle('version 1')

    await network.online()
    server.interfere()
    expect(await attempt(page)).toBe('installed')
    await takeOver(page)
    await network.offline()
    await page.goto('/')
    expect(await page.evaluate(() => window.part('rare'))).toBe('rare 2')
  })
}
