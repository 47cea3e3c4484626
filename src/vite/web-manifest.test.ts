import { describe, expect, it } from 'vitest'
import { checkWebManifest } from './web-manifest.ts'

describe('checkWebManifest', () => {
  it('keeps every member, also those it does not know, and starts the app at its base', () => {
    const manifest = {
      name: 'Tides',
      icons: [{ src: 'icon.svg', sizes: '48x48 any', type: 'image/svg+xml', purpose: 'any maskable' }],
      shortcuts: [{ name: 'Today', url: './today', icons: [{ src: 'today.png' }] }],
      edge_side_panel: { preferred_width: 400 },
    }
    expect(checkWebManifest(manifest)).toEqual({ start_url: './', scope: './', ...manifest })
    expect(checkWebManifest({ start_url: '/today', scope: '/' })).toEqual({ start_url: '/today', scope: '/' })
  })

  it.each([
    ['a manifest that is a file name', 'manifest.json', /option manifest: it is not an object/],
    ['a name that is empty', { name: ' ' }, /manifest\.name: it is not a text that is not empty/],
    [
      'a display mode that does not exist',
      { display: 'window' },
      /manifest\.display: it is not one of fullscreen, stand/,
    ],
    ['icons outside of a list', { icons: { src: 'a.png' } }, /manifest\.icons: it is not a list of objects/],
    ['an icon without a file', { icons: [{ src: 'a.png' }, { sizes: '192x192' }] }, /manifest\.icons\[1\]\.src/],
    ['a size as a number', { icons: [{ src: 'a.png', sizes: 192 }] }, /icons\[0\]\.sizes: it is not sizes such as/],
    ['a size without its height', { icons: [{ src: 'a.png', sizes: '192' }] }, /icons\[0\]\.sizes/],
    ['a purpose that does not exist', { icons: [{ src: 'a.png', purpose: 'badge' }] }, /icons\[0\]\.purpose/],
    ['a type that is none', { screenshots: [{ src: 'a.png', type: 'png' }] }, /screenshots\[0\]\.type/],
    ['a shortcut that leads nowhere', { shortcuts: [{ name: 'Today' }] }, /shortcuts\[0\]\.url/],
    ['an icon of a shortcut', { shortcuts: [{ name: 'a', url: 'b', icons: [{}] }] }, /shortcuts\[0\]\.icons\[0\]\.src/],
  ])('refuses %s', (_, manifest, message) => {
    expect(() => checkWebManifest(manifest)).toThrow(expect.objectContaining({ code: 'invalid-options' }))
    expect(() => checkWebManifest(manifest)).toThrow(message)
  })
})
