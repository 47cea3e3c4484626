import { expect, test } from './support/small-app.ts'

test('many tabs that write at once send each write once, in the order of each tab', async ({
  page,
  context,
  worker,
  app,
  outbox,
}) => {
  const tabs = [page, await context.newPage(), await context.newPage()]
  for (const tab of tabs) {
    await tab.goto('/')
    await worker.ready(tab)
  }
  await Promise.all(
    tabs.map((tab, index) =>
      tab.evaluate(async name => {
        for (let count = 0; count < 20; count += 1) {
          await window.hf.mutate({ url: `/${name}/${count}`, entity: name, json: count })
        }
      }, `tab${index}`),
    ),
  )
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  const urls = app.arrivals.map(({ url }) => url)
  expect(new Set(urls).size).toBe(60)
  expect(urls).toHaveLength(60)
  for (const name of ['tab0', 'tab1', 'tab2']) {
    const own = urls.filter(url => url.startsWith(`/${name}/`))
    expect(own).toEqual(Array.from({ length: 20 }, (_, count) => `/${name}/${count}`))
  }
})
