import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAnswerCheck } from './precache-answers.ts'

const MANIFEST = [
  'plain.html',
  { url: 'index.html', revision: 'abc', scripts: ['index-12345678.js'] },
  { url: 'assets/index-12345678.js', revision: null },
]

beforeEach(() => {
  vi.stubGlobal('location', new URL('https://app.example/app/sw.js'))
})
afterEach(() => vi.unstubAllGlobals())

async function isStored(path: string, body: string, type: string | undefined, status = 200): Promise<boolean> {
  const request = new Request(`https://app.example/app/${path}`)
  const response = new Response(body, { status, headers: type === undefined ? {} : { 'Content-Type': type } })
  if (type === undefined) response.headers.delete('Content-Type')
  const event = {} as ExtendableEvent
  const stored = await createAnswerCheck(MANIFEST).cacheWillUpdate?.({ request, response, event })
  // It is stored as it came: its body is still to be read.
  return stored != null && (await stored.text()) === body
}

describe('what is stored at install', () => {
  it.each([
    ['a script', 'assets/index-12345678.js', '1', 'text/javascript'],
    ['a file whose type nobody told', 'assets/index-12345678.js', '1', undefined],
    ['the page of this version', 'index.html', '<script src="./assets/index-12345678.js">', 'text/html'],
    [
      'one that was added to',
      'index.html',
      '<script src=x></script>assets/index-12345678.js',
      'text/html; charset=utf-8',
    ],
    ['a page without scripts', 'plain.html', 'hello', 'text/html'],
    ['a page at an address without an end', 'about', 'hello', 'text/html'],
  ])('is %s', async (_, path, body, type) => {
    expect(await isStored(path, body, type)).toBe(true)
  })

  it.each([
    ['a page in place of a script', 'assets/index-12345678.js', '<!doctype html>', 'text/html;charset=utf-8', 200],
    ['a page in place of an image', 'icon.svg', '<!doctype html>', 'text/html', 200],
    ['the page of another version', 'index.html', '<script src="assets/index-87654321.js">', 'text/html', 200],
    ['an error', 'icon.svg', '<svg/>', 'image/svg+xml', 404],
    ['an error with a page', 'index.html', 'assets/index-12345678.js', 'text/html', 503],
  ])('is not %s', async (_, path, body, type, status) => {
    expect(await isStored(path, body, type, status)).toBe(false)
  })
})
