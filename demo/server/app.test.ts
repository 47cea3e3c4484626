import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DemoServer, type Intercept, startDemoServer } from './app.ts'

let siteDir = ''
let server: DemoServer
let intercept: Intercept = (_request, next) => next()

beforeAll(async () => {
  siteDir = await mkdtemp(join(tmpdir(), 'holdfast-site-'))
  await mkdir(join(siteDir, 'assets'))
  const files = { 'index.html': '<!doctype html>app', 'sw.js': 'worker', 'assets/a-1.js': 'js', 'm.webmanifest': '{}' }
  for (const [name, text] of Object.entries(files)) await writeFile(join(siteDir, name), text)
  server = await startDemoServer({ port: 0, siteDir, graceMs: 200, intercept: (...both) => intercept(...both) })
}, 20_000)
afterAll(async () => {
  await server.close()
  await rm(siteDir, { recursive: true, force: true })
})

const writtenAt = '2026-11-21T07:00:00.000Z'

function get(path: string, accept = '*/*') {
  return fetch(new URL(path, server.url), { headers: { accept } })
}

function post(note: unknown, key?: string) {
  const headers = { 'content-type': 'application/json', ...(key && { 'idempotency-key': `"${key}"` }) }
  return fetch(new URL('/api/notes', server.url), { method: 'POST', headers, body: JSON.stringify(note) })
}

function remove(id: string) {
  return fetch(new URL(`/api/notes/${id}`, server.url), { method: 'DELETE' })
}

async function ids() {
  const notes = (await (await get('/api/notes')).json()) as { id: string }[]
  return notes.map(({ id }) => id)
}

describe('the notes API', () => {
  it('keeps notes in the order in which it applied them, and gives them back as they were', async () => {
    const notes = ['b', 'a', 'c'].map(id => ({ id, text: `note ${id}`, writtenAt }))
    for (const note of notes) expect((await post(note)).status).toBe(201)
    expect(await (await get('/api/notes')).json()).toEqual(notes)
    for (const { id } of notes) expect((await remove(id)).status).toBe(204)
    expect((await remove('a')).status).toBe(204)
    expect(await ids()).toEqual([])
  })

  it('does a write with a key once', async () => {
    const note = { id: 'once', text: 'x', writtenAt }
    await post(note, 'k')
    await remove('once')
    const again = await post(note, 'k')
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
    expect(await ids()).toEqual([])
  })

  it('knows a note that it has, and refuses another one with its id', async () => {
    await post({ id: 'same', text: 'x', writtenAt })
    expect((await post({ id: 'same', text: 'x', writtenAt })).status).toBe(200)
    const other = await post({ id: 'same', text: 'y', writtenAt })
    expect([other.status, other.headers.get('content-type')]).toEqual([409, 'application/problem+json'])
    await remove('same')
  })

  it.each([
    ['too long', { id: 'n', text: '🙂'.repeat(281), writtenAt }, 'This note is too long'],
    ['empty', { id: 'n', text: ' \n', writtenAt }, 'This note is empty'],
    ['without a text', { id: 'n', writtenAt }, 'This is not a note'],
    ['with a text that cannot be kept', { id: 'n', text: 'a\0b', writtenAt }, 'This is not a note'],
    ['with no date', { id: 'n', text: 'x', writtenAt: 'yesterday' }, 'This is not a note'],
    ['not even an object', 7, 'This is not a note'],
  ])('refuses a note that is %s', async (_what, note, title) => {
    const response = await post(note)
    expect([response.status, response.headers.get('content-type')]).toEqual([422, 'application/problem+json'])
    expect(await response.json()).toMatchObject({ status: 422, title, detail: expect.any(String) })
    expect(await ids()).toEqual([])
  })

  it('takes 280 characters of any kind', async () => {
    expect((await post({ id: 'long', text: '🙂'.repeat(280), writtenAt })).status).toBe(201)
    await remove('long')
  })

  it('says that it is well', async () => {
    expect((await get('/api/health')).status).toBe(200)
  })
})

describe('the pages', () => {
  it.each([
    ['/', 'text/html', 'no-cache', '<!doctype html>app'],
    ['/sw.js', 'javascript', 'no-cache', 'worker'],
    ['/assets/a-1.js', 'javascript', 'public, max-age=31536000, immutable', 'js'],
    ['/m.webmanifest', 'application/manifest+json', 'no-cache', '{}'],
    ['/notes/7', 'text/html', 'no-cache', '<!doctype html>app'],
  ])('serves %s', async (path, type, cacheControl, text) => {
    const response = await get(path, path === '/notes/7' ? 'text/html,*/*' : '*/*')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain(type)
    expect(response.headers.get('cache-control')).toBe(cacheControl)
    expect(await response.text()).toBe(text)
  })

  it.each([
    ['/missing.js', '*/*'],
    ['/assets/gone.js', 'text/html'],
    ['/api/nothing', 'text/html'],
    ['/..%2f..%2fetc/passwd', '*/*'],
  ])('does not serve %s', async (path, accept) => {
    const response = await get(path, accept)
    expect(response.status).toBe(404)
    expect(response.headers.get('cache-control') ?? '').not.toContain('immutable')
  })
})

describe('the server', () => {
  it('is found on both addresses of localhost', async () => {
    const four = await fetch(`http://127.0.0.1:${server.port}/api/health`)
    expect(four.status).toBe(200)
    await fetch(`http://[::1]:${server.port}/api/health`).then(
      six => expect(six.status).toBe(200),
      error => expect(error.cause.code).toBe('EADDRNOTAVAIL'),
    )
  })

  it('can be made to answer otherwise, or to do the write and cut the answer', async () => {
    intercept = async () => new Response(null, { status: 503 })
    expect((await post({ id: 'cut', text: 'x', writtenAt }, 'cut')).status).toBe(503)
    intercept = async (_request, next) => {
      await next()
      throw new Error('cut')
    }
    await expect(post({ id: 'cut', text: 'x', writtenAt }, 'cut')).rejects.toThrow('fetch failed')
    intercept = (_request, next) => next()
    const again = await post({ id: 'cut', text: 'x', writtenAt }, 'cut')
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
  })

  it('closes in its time, with an answer that never comes under way', async () => {
    const other = await startDemoServer({ port: 0, siteDir, graceMs: 100, intercept: () => new Promise(() => {}) })
    const hung = httpRequest(`${other.url}/api/notes`)
    const ended = new Promise(resolve => hung.once('error', resolve))
    await new Promise(resolve => hung.end(resolve))
    await other.close()
    await ended
  })
})
