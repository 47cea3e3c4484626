import { readFile } from 'node:fs/promises'
import type { Page } from '@playwright/test'
import { type Arrival, expect, test } from './support/small-app.ts'

test('dead letters go from one device to another in a file, and are sent from there under their keys, once', async ({
  page,
  browser,
  worker,
  app,
}) => {
  let isBroken = true
  app.answer((_arrival, response) => {
    response.statusCode = isBroken ? 400 : 201
    response.end()
  })
  await page.goto('/')
  await worker.ready(page)
  await page.evaluate(async () => {
    await window.hf.mutate({ url: '/notes', json: { text: 'Ebbe am Mittag 🌊' } })
    await window.hf.mutate({
      url: '/photos',
      body: new Blob([new Uint8Array([0, 255, 128, 7])], { type: 'image/png' }),
    })
  })
  await expect.poll(() => page.evaluate(() => window.hf.status.get().dead)).toBe(2)
  const refused = app.arrivals.map(writeOf)
  const file = await download(page)

  isBroken = false
  const other = await browser.newContext({ baseURL: app.url })
  const there = await other.newPage()
  await there.goto('/')
  await worker.ready(there)
  expect(await upload(there, file)).toEqual({ imported: 2, skipped: 0 })
  expect(await upload(there, file)).toEqual({ imported: 0, skipped: 2 })
  const listed = await there.evaluate(() => window.hf.deadLetters.list())
  expect(listed).toMatchObject([
    { reason: 'refused', status: 400, json: { text: 'Ebbe am Mittag 🌊' } },
    { status: 400 },
  ])
  expect(app.arrivals).toHaveLength(2)

  await there.evaluate(
    ids => Promise.all(ids.map(id => window.hf.deadLetters.retry(id))),
    listed.map(({ id }) => id),
  )
  await expect.poll(() => there.evaluate(async () => (await window.hf.outbox.list()).length)).toBe(0)
  expect(app.arrivals.slice(2).map(writeOf).sort(byUrl)).toEqual(refused.sort(byUrl))
  expect(await upload(there, file)).toEqual({ imported: 0, skipped: 2 })
  expect(await there.evaluate(() => window.hf.deadLetters.list())).toEqual([])
  await other.close()
})

/** As a person does it, by a link. */
async function download(page: Page): Promise<Buffer> {
  const coming = page.waitForEvent('download')
  await page.evaluate(async () => {
    const href = URL.createObjectURL(await window.hf.deadLetters.export())
    Object.assign(document.createElement('a'), { href, download: 'letters.json' }).click()
  })
  return readFile(await (await coming).path())
}

async function upload(page: Page, file: Buffer): Promise<{ imported: number; skipped: number }> {
  const input = await page.evaluateHandle(() => Object.assign(document.createElement('input'), { type: 'file' }))
  await input.setInputFiles({ name: 'letters.json', mimeType: 'application/json', buffer: file })
  return input.evaluate(({ files }) => window.hf.deadLetters.import(files?.[0] ?? ''))
}

function writeOf({ method, url, headers, body }: Arrival) {
  return { method, url, key: headers['idempotency-key'], type: headers['content-type'], body: body.toString('hex') }
}

function byUrl(a: { url: string }, b: { url: string }): number {
  return a.url.localeCompare(b.url)
}
