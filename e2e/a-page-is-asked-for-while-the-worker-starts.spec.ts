import { expect, test } from './support/reading-app.ts'
import { takeNewVersion } from './support/take-new-version.ts'

const preloads = () => navigator.serviceWorker.ready.then(({ navigationPreload }) => navigationPreload.getState())

test('a page is asked for while the worker starts, once, and no more when the app does without', async ({
  app,
  page,
}) => {
  const preloaded: unknown[] = []
  app.on('/articles/', ({ request, response }) => {
    preloaded.push(request.headers['service-worker-navigation-preload'])
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>An article</title>')
  })
  await app.open(page, { navigationPreload: true })
  await page.goto('/articles/7')
  expect(await page.title()).toBe('An article')
  expect(preloaded).toEqual(['true'])

  await app.build({})
  await page.goto('/')
  await takeNewVersion(page)
  await expect.poll(() => page.evaluate(preloads)).toMatchObject({ enabled: false })
  await page.goto('/articles/7')
  expect(preloaded).toEqual(['true', undefined])
})
