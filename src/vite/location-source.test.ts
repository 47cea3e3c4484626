import { describe, expect, it } from 'vitest'
import { locationSource, WAY_UP, withWayUp } from './location-source.ts'

describe('locationSource', () => {
  it('writes a place under the root as it is', () => {
    const location = { url: '/app/sw.js', scope: '/app/', name: 'notes', type: undefined }
    expect(JSON.parse(locationSource(location))).toEqual({ url: '/app/sw.js', scope: '/app/', name: 'notes' })
    expect(locationSource(false)).toBe('false')
  })

  it.each([
    ['main.js', 'https://app.example/deep/'],
    ['assets/main.js', 'https://app.example/deep/'],
    ['a/b/c/d/e/f/g/h/i/j/k/l/main.js', 'https://app.example/deep/'],
  ])('begins a relative one at the script %s', (fileName, base) => {
    const source = locationSource({ url: './sw.js', scope: './', name: 'notes' })
    const code = withWayUp(source, fileName)
    expect(code).toHaveLength(source.length)
    const inModule = code.replaceAll('import.meta.url', JSON.stringify(base + fileName))
    expect(new Function(`return ${inModule}`)()).toEqual({ url: `${base}sw.js`, scope: base, name: 'notes' })
  })

  it('leaves other code alone', () => {
    expect(withWayUp('const a = "../x"', 'assets/main.js')).toBe('const a = "../x"')
    expect(WAY_UP.length).toBeGreaterThanOrEqual(36)
  })
})
