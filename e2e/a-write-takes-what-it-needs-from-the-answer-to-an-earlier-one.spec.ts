import type { Page } from '@playwright/test'
import { type Answer, type Arrival, expect, test } from './support/small-app.ts'

test('a photo recorded offline finds the album that the server named, with no tab open', async ({
  page,
  context,
  network,
  worker,
  app,
}) => {
  app.answer(givingIds)
  await page.goto('/')
  await worker.ready(page)
  await network.offline()
  await writeAlbumAndPhoto(page)
  await page.close()
  expect(context.pages()).toEqual([])
  await network.online()
  await expect.poll(() => app.arrivals.length, { timeout: 20_000 }).toBe(2)
  expect(app.arrivals.map(sent)).toEqual([
    ['/albums', { name: 'Coast' }],
    ['/albums/s-1/photos', { album: 's-1', file: 'seal.jpg' }],
  ])
})

test('a photo waits for an album that was refused, says why, and follows it when it is retried with an edit', async ({
  page,
  worker,
  app,
}) => {
  app.answer((arrival, response) => {
    if (sent(arrival)[1].name !== '') return givingIds(arrival, response)
    response.statusCode = 422
    response.end()
  })
  await page.goto('/')
  await worker.ready(page)
  const { album, photo } = await writeAlbumAndPhoto(page, '')
  await expect.poll(() => page.evaluate(() => window.hf.status.get().dead)).toBe(1)
  const entry = await page.evaluate(id => window.hf.outbox.get(id), photo)
  expect(entry).toMatchObject({ state: 'blocked', blockedBy: { id: album, reason: 'parent-dead' } })
  await page.evaluate(() => window.hf.sync())
  expect(app.arrivals).toHaveLength(1)

  await page.evaluate(id => window.hf.deadLetters.retry(id, { json: { name: 'Coast' } }), album)
  await expect.poll(() => app.arrivals.length).toBe(3)
  expect(app.arrivals.slice(1).map(sent)).toEqual([
    ['/albums', { name: 'Coast' }],
    ['/albums/s-1/photos', { album: 's-1', file: 'seal.jpg' }],
  ])
  await expect.poll(() => page.evaluate(() => window.hf.status.get().state)).toBe('idle')
})

function writeAlbumAndPhoto(page: Page, name = 'Coast'): Promise<{ album: string; photo: string }> {
  return page.evaluate(async name => {
    const album = await window.hf.mutate({ url: '/albums', json: { name } })
    const photo = await window.hf.mutate({
      url: `/albums/{ref:${album.id}#/id}/photos`,
      json: { album: { $ref: [album.id, '/id'] }, file: 'seal.jpg' },
    })
    return { album: album.id, photo: photo.id }
  }, name)
}

const givingIds: Answer = (_arrival, response) => {
  response.statusCode = 201
  response.setHeader('Content-Type', 'application/json').end('{"id":"s-1"}')
}

function sent({ url, body }: Arrival): [url: string, json: Record<string, unknown>] {
  return [url, JSON.parse(String(body))]
}
