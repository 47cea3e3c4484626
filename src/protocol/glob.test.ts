import { describe, expect, it } from 'vitest'
import { globToRegExp } from './glob.ts'

describe('globToRegExp', () => {
  it.each([
    ['/api/**', '/api/notes/7'],
    ['/api/**', '/api/'],
    ['/api/**', '/api'],
    ['/api/*', '/api/notes'],
    ['/api/*/photo', '/api/7/photo'],
    ['/api/**/photo', '/api/photo'],
    ['/api/**/photo', '/api/notes/7/photo'],
    ['/img/*.png', '/img/a.png'],
    ['**', '/anything/at/all'],
    ['/search?q=*', '/search?q=tea'],
    ['/a.b+c(d)', '/a.b+c(d)'],
    ['https://cdn.example.com/**', 'https://cdn.example.com/lib/x.js?v=1'],
  ])('%s matches %s', (glob, text) => {
    expect(globToRegExp(glob).test(text)).toBe(true)
  })

  it.each([
    ['/api/**', '/apis/notes'],
    ['/api/**', '/v1/api/notes'],
    ['/api/*', '/api/notes/7'],
    ['/api/*/photo', '/api/7/8/photo'],
    ['/img/*.png', '/img/apng'],
    ['/search?q=*', '/searc'],
    ['/api', '/api/'],
  ])('%s does not match %s', (glob, text) => {
    expect(globToRegExp(glob).test(text)).toBe(false)
  })
})
