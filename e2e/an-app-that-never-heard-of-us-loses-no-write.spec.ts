import type { Page } from '@playwright/test'
import { expect, test } from './support/plain-app.ts'
import type { Arrival } from './support/small-app.ts'

const PHOTO = Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index))
const FILE = { name: 'rocks.png', mimeType: 'image/png', buffer: PHOTO }

/** Everything that the app can do, as a person does it. */
async function useAll(page: Page): Promise<void> {
  for (const text of ['Low tide at noon', 'Two seals', 'Wind turned north']) {
    await page.getByLabel('Note').fill(text)
    await page.getByRole('button', { name: 'Add' }).click()
  }
  await page.getByRole('button', { name: 'Rename' }).click()
  await page.getByRole('button', { name: 'Remove' }).click()
  await page.getByLabel('Photo').setInputFiles(FILE)
  await page.getByRole('button', { name: 'Send photo' }).click()
  await expect(page.getByRole('listitem')).toHaveCount(6)
}

async function fileReport(page: Page): Promise<void> {
  await page.getByLabel('Report').fill('Oil on the beach')
  await page.getByLabel('Scan').setInputFiles(FILE)
  await page.getByRole('button', { name: 'File report' }).click()
}

function expectEach(arrivals: Arrival[]): void {
  const seen = arrivals.map(({ method, url }) => `${method} ${url}`).sort()
  expect(seen).toEqual([
    'DELETE /api/notes/8',
    'POST /api/notes',
    'POST /api/notes',
    'POST /api/notes',
    'POST /api/photos',
    'POST /api/reports',
    'PUT /api/notes/7',
  ])
  const of = (url: string) => arrivals.filter(arrival => arrival.url === url)
  const texts = of('/api/notes').map(({ body }) => JSON.parse(body.toString()).text)
  expect(texts).toEqual(['Low tide at noon', 'Two seals', 'Wind turned north'])
  expect(of('/api/notes')[0]?.headers['content-type']).toBe('application/json')
  for (const { headers, body } of [...of('/api/photos'), ...of('/api/reports')]) {
    expect(body.includes(PHOTO)).toBe(true)
    const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(headers['content-type'] ?? '')?.[1]
    expect(body.toString('latin1').startsWith(`--${boundary}`)).toBe(true)
  }
  expect(new Set(arrivals.map(({ headers }) => headers['idempotency-key'])).size).toBe(7)
}

test('an app that never heard of us loses no write: what it did offline arrives when the network is back', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await network.offline()
  await useAll(page)
  await expect(page.getByRole('listitem')).toHaveText(Array(6).fill(/ 202$/))
  await fileReport(page)
  await expect(page).toHaveURL(/\/\?holdfast=[\w-]{36}$/)
  await expect(page.getByRole('heading')).toHaveText('Shore log')
  expect(await outbox.count()).toBe(7)
  expect(app.arrivals).toEqual([])

  await network.online()
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expectEach(app.arrivals)
})

test('also with every tab closed', async ({ page, worker, network, app, outbox }) => {
  await page.goto('/')
  await worker.ready(page)
  await network.offline()
  await useAll(page)
  await fileReport(page)
  await expect(page).toHaveURL(/holdfast=/)
  await expect.poll(() => outbox.count()).toBe(7)
  const context = page.context()
  for (const open of context.pages()) await open.close()
  await network.online()
  await expect.poll(() => app.arrivals.length, { timeout: 30_000 }).toBe(7)
  expect(context.pages()).toEqual([])
  expectEach(app.arrivals)
})

test('online it gets what the server says, and the server gets each write once', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  app.answer(({ url }, response) => {
    response.statusCode = url.endsWith('/photos') ? 422 : 201
    response.end('<title>From the server</title>')
  })
  await useAll(page)
  const codes = (await page.getByRole('listitem').allTextContents()).map(text => text.replace(/.* /, ''))
  expect(codes.sort()).toEqual(['201', '201', '201', '201', '201', '422'])
  await fileReport(page)
  await expect(page).toHaveTitle('From the server')
  expect(new URL(page.url()).pathname).toBe('/api/reports')
  expectEach(app.arrivals)
  expect(await outbox.count()).toBe(0)
})

test('a server that is down gets the write later, under the same key; what follows it waits behind it', async ({
  page,
  worker,
  app,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  app.answer((_, response) => void response.writeHead(503, { 'Retry-After': '2' }).end())
  const texts = ['first', 'second', 'third']
  for (const [index, text] of texts.entries()) {
    await page.getByLabel('Note').fill(text)
    await page.getByRole('button', { name: 'Add' }).click()
    await expect(page.getByRole('listitem')).toHaveCount(index + 1)
  }
  await expect(page.getByRole('listitem')).toHaveText(Array(3).fill('POST /api/notes 202'))
  expect(app.arrivals).toHaveLength(1)
  app.answer((_, response) => void response.writeHead(201).end())
  await expect.poll(() => outbox.count(), { timeout: 30_000 }).toBe(0)
  expect(app.arrivals.map(({ body }) => JSON.parse(body.toString()).text)).toEqual(['first', ...texts])
  const [attempt, again] = app.arrivals.map(({ headers }) => headers['idempotency-key'])
  expect(again).toBe(attempt)
})

test('a client that tries again by itself gets the same receipt, which tells how the write ended', async ({
  page,
  worker,
  network,
  app,
  outbox,
}) => {
  await page.goto('/')
  await worker.ready(page)
  await network.offline()
  const send = () =>
    page.evaluate(async () => {
      const headers = { 'Idempotency-Key': 'order-17' }
      const response = await fetch('/api/orders', { method: 'POST', body: 'one boat', headers })
      return { status: response.status, location: response.headers.get('location') ?? '', said: await response.json() }
    })
  const first = await send()
  expect(first).toMatchObject({ status: 202, said: { receipt: { state: 'waiting' } } })
  expect(await send()).toEqual(first)
  expect(await outbox.count()).toBe(1)
  const state = () => page.evaluate(url => fetch(url).then(response => response.json()), first.location)
  expect(await state()).toMatchObject({ state: 'waiting', method: 'POST' })

  await network.online()
  await expect.poll(state, { timeout: 30_000 }).toMatchObject({
    state: 'settled',
    settlement: { kind: 'confirmed', status: 200, body: { ok: true } },
  })
  expect(await send()).toMatchObject({
    status: 202,
    said: { receipt: { id: first.said.receipt.id, state: 'settled' } },
  })
  expect(app.arrivals.map(({ headers, body }) => [headers['idempotency-key'], body.toString()])).toEqual([
    ['order-17', 'one boat'],
  ])
})
