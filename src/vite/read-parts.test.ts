import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { CachingRule } from '../protocol/caching.ts'
import { resolveOptions } from './options.ts'
import { readParts } from './read-parts.ts'

const partsOf = (caching: CachingRule[]) => readParts(resolveOptions({ caching }), [])
const namesIn = (text: string) => /\[([^[\]]*)\]\)$/.exec(text)?.[1]

describe('readParts', () => {
  it('imports nothing where nothing is asked for', () => {
    expect(readParts(resolveOptions(), [{ url: 'index.html', revision: 'a' }])).toEqual({
      imports: [],
      expressions: [],
    })
  })

  it.each<[string, Partial<CachingRule>]>([
    ['makeRoom', {}],
    ['statuses, makeRoom', { statuses: [200] }],
    ['ranges, makeRoom', { ranges: true }],
    ['expiry, makeRoom', { maxAgeMs: 1 }],
    ['staleIfError, makeRoom', { staleIfError: true }],
    ['announce, makeRoom', { strategy: 'stale-while-revalidate' }],
    ['makeRoom', { strategy: 'stale-while-revalidate', announce: false }],
    ['announce, ownWrites, makeRoom', { strategy: 'stale-while-revalidate', tags: ['a'] }],
    ['makeRoom', { tags: ['a'] }],
    ['refresh, makeRoom', { strategy: 'network-first', refresh: true }],
  ])('imports %s for %j', (names, rule) => {
    const { imports, expressions } = partsOf([{ match: '/a', strategy: 'cache-first', ...rule }])
    expect(namesIn(expressions[0] ?? '')).toBe(names)
    expect(imports).toHaveLength(1 + names.split(', ').length)
  })

  it('asks the features in the order in which a worker of the app’s own does', () => {
    const all = readFileSync(new URL('../../sw/reads/all-parts.ts', import.meta.url), 'utf8')
    const caching: CachingRule[] = [
      { match: '/a', strategy: 'cache-first', statuses: [200], ranges: true, maxAgeMs: 1, staleIfError: true },
      { match: '/b', strategy: 'stale-while-revalidate', tags: ['a'], refresh: true },
    ]
    const asked = namesIn(partsOf(caching).expressions[0] ?? '')
    expect(/features = \[(.*)\]/.exec(all)?.[1]).toBe(asked)
  })

  it('gives parts of files to players where the build has files for them', () => {
    const manifest = [{ url: 'assets/sea-a1b2.mp4', revision: null }]
    expect(readParts(resolveOptions(), manifest).expressions).toEqual(['precachedRanges'])
  })

  it('gives the image as a part of its own', () => {
    const { expressions } = readParts(resolveOptions({ imageFallback: 'away.svg' }), [])
    expect(expressions).toEqual(['imageFallback("away.svg")'])
  })
})
