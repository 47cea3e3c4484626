import { describe, expect, it } from 'vitest'
import { whatPreventsInstalling } from './installability.ts'
import type { WebManifest } from './web-manifest.ts'

const WHOLE: WebManifest = {
  name: 'Tides',
  start_url: './',
  scope: './',
  display: 'standalone',
  icons: [
    { src: 'small.png', sizes: '192x192' },
    { src: 'icons/large%20one.png', sizes: '512X512', purpose: 'maskable any' },
  ],
}

const FILES = ['small.png', 'icons/large one.png', 'drawing.svg']

function faults(change: WebManifest, base = '/'): string[] {
  return whatPreventsInstalling({ ...WHOLE, ...change }, { base, hasFile: file => FILES.includes(file) })
}

describe('whatPreventsInstalling', () => {
  it.each(['/', '/app/'])('finds nothing in a whole manifest under the base %s', base => {
    expect(faults({}, base)).toEqual([])
  })

  it.each([
    ['a short name instead', { name: undefined, short_name: 'Tides' }],
    ['a drawing without a size', { icons: [{ src: 'drawing.svg', sizes: 'any' }] }],
    ['icons of another host', { icons: [{ src: 'https://cdn.example/a.svg', sizes: 'any' }] }],
    ['a start below the scope', { start_url: '/app/today?from=icon', scope: '/app/' }],
    ['a display mode that goes before', { display: 'browser' as const, display_override: ['minimal-ui'] }],
  ])('is content with %s', (_, change) => {
    expect(faults(change)).toEqual([])
  })

  it.each([
    ['no name', { name: undefined }, ['it has no name: set name or short_name']],
    ['no display', { display: undefined }, [expect.stringContaining('no display')]],
    ['a tab of the browser', { display: 'browser' as const }, [expect.stringContaining('displayed as browser')]],
    ['a start outside', { start_url: '/', scope: '/app/' }, ['start_url / is outside of scope /app/']],
    ['another app', { prefer_related_applications: true }, [expect.stringContaining('another app')]],
    ['icons that are masked only', { icons: [{ src: 'drawing.svg', sizes: 'any', purpose: 'maskable' }] }, noIcons()],
    ['no icons', { icons: undefined }, noIcons()],
  ])('tells of %s', (_, change, found) => {
    expect(faults(change)).toEqual(found)
  })

  it('tells of icons that are not there, or beyond the base', () => {
    const icons = [
      { src: '/app/drawing.svg', sizes: 'any' },
      { src: '/small.png', sizes: '192x192' },
      { src: 'none.png' },
    ]
    expect(faults({ icons }, '/app/')).toEqual([
      'the icon /small.png lies outside of the base /app/: write it without a leading /',
      'the icon none.png is missing: put it into the folder public',
    ])
  })
})

function noIcons() {
  return [192, 512].map(size => expect.stringContaining(`no icon of ${size}x${size} pixels`))
}
