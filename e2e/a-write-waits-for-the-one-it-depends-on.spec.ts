import { expect, test } from './support/small-app.ts'

test('a write waits for the one it depends on, and says why when that one is refused', async ({
  page,
  worker,
  app,
}) => {
  await page.goto('/')
  await worker.ready(page)
  app.answer(({ url }, response) => {
    response.statusCode = url === '/album' ? 422 : 200
    response.end()
  })
  const child = await page.evaluate(async () => {
    const album = await window.hf.mutate({ url: '/album', json: { name: 'Rocks' }, priority: -5 })
    const photo = await window.hf.mutate({ url: '/photo', json: { n: 1 }, dependsOn: [album.id], priority: 5 })
    await album.settled
    const { state, blockedBy } = (await window.hf.outbox.get(photo.id)) ?? {}
    return { state, blockedBy, album: album.id }
  })
  expect(child).toMatchObject({ state: 'blocked', blockedBy: { id: child.album, reason: 'parent-dead' } })

  app.answer((_arrival, response) => void response.end())
  await page.evaluate(id => window.hf.deadLetters.retry(id), child.album)
  await expect.poll(() => app.arrivals.map(({ url }) => url)).toEqual(['/album', '/album', '/photo'])
})
