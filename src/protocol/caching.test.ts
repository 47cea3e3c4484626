import { describe, expect, it } from 'vitest'
import { type CachingRule, checkCachingRules, checkNavigationFallback, createUrlMatcher } from './caching.ts'

const own = (path: string) => [new URL(path, 'https://app.example'), true] as const

describe('createUrlMatcher', () => {
  it('matches a path glob against the path of the own origin only', () => {
    const matches = createUrlMatcher('/api/*')
    expect(matches(...own('/api/notes?page=2'))).toBe(true)
    expect(matches(new URL('https://other.example/api/notes'), false)).toBe(false)
  })

  it('matches an address glob against the whole address, without the hash', () => {
    const matches = createUrlMatcher('https://cdn.example/*.png?v=1')
    expect(matches(new URL('https://cdn.example/a.png?v=1#x'), false)).toBe(true)
    expect(matches(new URL('https://cdn.example/a.png'), false)).toBe(false)
  })

  it('matches a global regular expression every time', () => {
    const matches = createUrlMatcher(/notes/g)
    expect([1, 2, 3].map(() => matches(...own('/api/notes')))).toEqual([true, true, true])
  })
})

describe('checkCachingRules', () => {
  it('accepts the documented rule', () => {
    const rule: CachingRule = { match: '/api/**', strategy: 'network-first', timeoutMs: 3000 }
    expect(checkCachingRules([rule])).toEqual([rule])
    expect(checkCachingRules(undefined)).toEqual([])
  })

  it('accepts everything that a rule may say', () => {
    const whole: CachingRule = {
      match: /tiles/,
      strategy: 'stale-while-revalidate',
      statuses: [0, 200, 404],
      maxAgeMs: 1000,
      maxEntries: 5,
      staleIfError: true,
      ranges: true,
      announce: false,
      tags: ['tiles'],
      refresh: true,
      priority: -1,
      pinned: false,
    }
    expect(checkCachingRules([whole])).toEqual([whole])
  })

  it.each([
    ['a list that is none', { match: '/a', strategy: 'cache-first' }, /option caching: it is not an array/],
    ['a rule that is none', ['/api/**'], /caching\[0\]: it is not an object/],
    ['a match without a slash', [{ match: 'api/**', strategy: 'cache-first' }], /caching\[0\]\.match: "api\/\*\*"/],
    ['a query in a path', [{ match: '/a?x=1', strategy: 'cache-first' }], /"\/a\?x=1" matches nothing/],
    ['letters that no path has', [{ match: '/größe/**', strategy: 'cache-first' }], /percent-encoded/],
    ['a host without a path', [{ match: 'https://tiles.example', strategy: 'cache-first' }], /with a path/],
    ['a host in capitals', [{ match: 'https://Tiles.example/**', strategy: 'cache-first' }], /matches nothing/],
    ['the name of a method of objects', [{ match: '/a', strategy: 'cache-first', toString: 1 }], /there is none of/],
    ['a timer that fires at once', [{ match: '/a', strategy: 'network-first', timeoutMs: 2 ** 31 }], /timeoutMs/],
    ['no match', [{ strategy: 'cache-first' }], /caching\[0\]\.match: it is missing/],
    ['a strategy with a typo', [{ match: '/a', strategy: 'networkFirst' }], /"networkFirst" is unknown.*network-first/],
    ['a cache without a name', [{ match: '/a', strategy: 'cache-only', cacheName: '' }], /cacheName/],
    ['a timeout that nothing uses', [{ match: '/a', strategy: 'cache-first', timeoutMs: 5 }], /timeoutMs/],
    ['a timeout of nothing', [{ match: '/a', strategy: 'network-first', timeoutMs: 0 }], /timeoutMs/],
    ['an option with a typo', [{ match: '/a', strategy: 'cache-first', maxAge: 5 }], /maxAge: there is none.*maxAgeMs/],
    ['an age of nothing', [{ match: '/a', strategy: 'cache-first', maxAgeMs: 0 }], /maxAgeMs: 0 is no time/],
    ['half an answer', [{ match: '/a', strategy: 'cache-first', maxEntries: 1.5 }], /maxEntries: 1\.5 is no number/],
    ['a part of a file', [{ match: '/a', strategy: 'cache-first', statuses: [200, 206] }], /statuses/],
    ['no statuses', [{ match: '/a', strategy: 'cache-first', statuses: [] }], /statuses/],
    ['a tag that is no text', [{ match: '/a', strategy: 'cache-first', tags: [7] }], /tags: 7 is no list/],
    ['a switch that is none', [{ match: '/a', strategy: 'cache-first', pinned: 'yes' }], /pinned: "yes" is neither/],
    ['a maximum of nothing stored', [{ match: '/a', strategy: 'network-only', maxEntries: 5 }], /stores nothing/],
    ['to refresh what stays', [{ match: '/a', strategy: 'cache-first', refresh: true }], /does not replace/],
    ['a pin with an age', [{ match: '/a', strategy: 'cache-first', pinned: true, maxAgeMs: 5 }], /pinned/],
    [
      'to share a cache with a maximum, for Workbox would delete a database of that name',
      [{ match: '/a', strategy: 'cache-first', cacheName: 'notes', maxEntries: 5 }],
      /cacheName: a cache with a maximum/,
    ],
    ['the second rule', [{ match: '/a', strategy: 'cache-only' }, { match: '/b' }], /caching\[1\]\.strategy/],
  ])('refuses %s', (_, rules, message) => {
    expect(() => checkCachingRules(rules)).toThrow(expect.objectContaining({ code: 'invalid-options' }))
    expect(() => checkCachingRules(rules)).toThrow(message)
  })
})

describe('checkNavigationFallback', () => {
  it('gives one shape for every accepted one', () => {
    expect(checkNavigationFallback('app.html')).toEqual({ url: 'app.html' })
    expect(checkNavigationFallback({ url: 'app.html', deny: ['/admin/**', /logout/] })).toMatchObject({
      url: 'app.html',
    })
    expect(checkNavigationFallback(false)).toBe(false)
    expect(checkNavigationFallback(undefined)).toBeUndefined()
  })

  it.each([true, '', 7, {}, { url: '' }, { url: 'a.html', deny: '/x' }, { url: 'a.html', deny: ['x'] }])(
    'refuses %j',
    value => {
      expect(() => checkNavigationFallback(value)).toThrow(expect.objectContaining({ code: 'invalid-options' }))
    },
  )
})
