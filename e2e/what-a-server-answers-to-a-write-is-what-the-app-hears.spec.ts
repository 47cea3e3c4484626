import { expect, open, test, type Write } from './support/capture-app.ts'

const REFUSALS = [400, 401, 403, 404, 405, 409, 410, 412, 413, 422, 428, 501]
const REDIRECTS = [301, 302, 303, 307, 308]

test('a refusal or a redirect is what the app hears of its write, and nothing is kept', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  app.answer(({ url }, response) => {
    const status = Number(url.split('/').at(-1))
    if (REDIRECTS.includes(status)) response.setHeader('Location', '/done/201').writeHead(status).end()
    else response.writeHead(status).end(`said ${status}`)
  })
  await open(page, worker)
  const hear = (status: number, init: Write = {}) =>
    page.evaluate(
      async ([status, init]) => {
        const response = await fetch(`/api/${status}`, { method: 'POST', body: 'a', ...init }).catch(() => undefined)
        return response && [response.status, response.type, response.redirected]
      },
      [status, init] as const,
    )
  for (const status of REFUSALS) expect(await hear(status)).toEqual([status, 'basic', false])
  // 301, 302 and 303 become a GET, which the site answers with 404; 307 and 308 are POSTs again.
  for (const status of [301, 302, 303]) expect(await hear(status)).toEqual([404, 'basic', true])
  for (const status of [307, 308]) expect(await hear(status)).toEqual([201, 'basic', true])
  expect(await hear(302, { redirect: 'manual' })).toEqual([0, 'opaqueredirect', false])
  expect(await hear(302, { redirect: 'error' })).toBeUndefined()
  expect(await outbox.count()).toBe(0)
})

test('a form that the server answers by a redirect leads there', async ({ page, worker, app, outbox }) => {
  app.answer((_arrival, response) => response.setHeader('Location', '/saved.html').writeHead(303).end())
  await open(page, worker)
  await page.getByRole('button').click()
  await expect(page).toHaveTitle('Saved')
  expect(new URL(page.url()).search).toBe('')
  expect(await outbox.count()).toBe(0)
})
