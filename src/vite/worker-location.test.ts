import { describe, expect, it } from 'vitest'
import { locateWorker } from './worker-location.ts'

const own = { filename: 'sw.js', name: 'notes' }

describe('locateWorker', () => {
  it.each([
    [undefined, 'build', '/sw.js', '/'],
    ['/', 'serve', '/sw.js', '/'],
    ['/app/', 'build', '/app/sw.js', '/app/'],
    ['app', 'serve', '/app/sw.js', '/app/'],
    ['./', 'build', './sw.js', './'],
    ['', 'build', './sw.js', './'],
    ['./', 'serve', '/sw.js', '/'],
    ['https://cdn.example/app/', 'serve', '/app/sw.js', '/app/'],
  ] as const)('base %s in %s', (base, command, url, scope) => {
    expect(locateWorker(base, { ...own, command })).toEqual({ url, scope, name: 'notes' })
  })

  it.each(['https://cdn.example/', '//cdn.example/'])('refuses to build a worker for %s', base => {
    expect(() => locateWorker(base, { ...own, command: 'build' })).toThrow(
      expect.objectContaining({ code: 'invalid-options' }),
    )
  })
})
