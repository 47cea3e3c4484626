import { expect, it, vi } from 'vitest'
import { createRetiredFiles } from './precache-retired.ts'

const ORIGIN = 'https://app.example/app'
const FILES = new Map([
  [`${ORIGIN}/index.html`, `${ORIGIN}/index.html?__WB_REVISION__=1`],
  [`${ORIGIN}/assets/index-12345678.js`, `${ORIGIN}/assets/index-12345678.js`],
])

function lookFor(request: Partial<Request>) {
  const match = vi.fn(async () => undefined)
  const findRetired = createRetiredFiles({ caches: { match } } as unknown as ServiceWorkerGlobalScope, 'files', FILES)
  void findRetired({ method: 'GET', mode: 'cors', ...request } as Request)
  return match.mock.calls
}

it('looks for what is not of this version, where this version has hashed files', () => {
  const url = `${ORIGIN}/assets/index-87654321.js`
  expect(lookFor({ url })).toEqual([[url, { cacheName: 'files' }]])
})

it.each<[string, Partial<Request>]>([
  ['a file of this version', { url: `${ORIGIN}/assets/index-12345678.js` }],
  ['another folder', { url: `${ORIGIN}/api/notes` }],
  ['a folder in the folder', { url: `${ORIGIN}/assets/a/b.js` }],
  ['another origin', { url: 'https://other.example/app/assets/a.js' }],
  ['another method', { url: `${ORIGIN}/assets/a.js`, method: 'POST' }],
  ['a page', { url: `${ORIGIN}/assets/a.html`, mode: 'navigate' }],
])('does not look for %s', (_, request) => {
  expect(lookFor(request)).toEqual([])
})
