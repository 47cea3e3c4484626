import { expect, open, stateAt, test } from './support/capture-app.ts'

test.use({ plugin: { queue: [{ match: '/api/**', page: 'saved.html' }] } })

test('a form that a page sends offline leads to the page of its rule, and a reload sends nothing twice', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  await open(page, worker)
  await network.offline()
  await page.getByLabel('Report').fill('Oil on the beach')
  await page.getByRole('button').click()
  await expect(page).toHaveTitle('Saved')
  const id = new URL(page.url()).searchParams.get('holdfast')
  expect(new URL(page.url()).pathname).toBe('/saved.html')
  expect(await stateAt(page, `/.holdfast/${id}`)).toMatchObject({ id, state: 'waiting', method: 'POST' })
  await page.reload()
  await expect(page).toHaveTitle('Saved')
  expect(await outbox.count()).toBe(1)

  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect(app.arrivals.map(({ method, url, body }) => [method, url, body.toString()])).toEqual([
    ['POST', '/api/reports', 'title=Oil+on+the+beach'],
  ])
  expect(app.arrivals[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded')
})

test('a form that a page of another site sends is left to the browser', async ({
  page,
  worker,
  network,
  app,
  foreign,
  outbox,
}) => {
  await open(page, worker)
  const forged = await page.context().newPage()
  await forged.goto(foreign.url)
  await forged.setContent(`<form method="post" action="${app.url}api/reports"><button>Win a boat</button></form>`)
  await network.offline()
  await forged.getByRole('button').click()
  await expect(forged).toHaveURL(/chrome-error:/)
  expect(await outbox.count()).toBe(0)
})
