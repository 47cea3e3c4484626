import { describe, expect, it } from 'vitest'
import { createHashedTest } from './hashed-names.ts'

const vite = {
  entryFileNames: 'assets/[name]-[hash].js',
  chunkFileNames: 'assets/[name]-[hash].js',
  assetFileNames: 'assets/[name]-[hash][extname]',
}

describe('createHashedTest', () => {
  it('knows the files that the bundler has named by their content', () => {
    const isHashed = createHashedTest(['assets/index-Ab3_d-9z.js', 'assets/logo-abcdefgh.svg', 'index.html'], vite)
    expect(isHashed('assets/index-Ab3_d-9z.js')).toBe(true)
    expect(isHashed('assets/logo-abcdefgh.svg')).toBe(true)
    expect(isHashed('index.html')).toBe(false)
  })

  it('does not trust a file that only looks like one, or has a fixed name', () => {
    const isHashed = createHashedTest(['assets/data.json'], vite)
    expect(isHashed('assets/photo-abcdefgh.jpg')).toBe(false)
    expect(isHashed('assets/data.json')).toBe(false)
  })

  it('trusts no name of an output without hashes, or with a function for names', () => {
    const names = ['assets/index-abcdefgh.js']
    expect(createHashedTest(names, { entryFileNames: 'assets/[name].js' })(names[0] ?? '')).toBe(false)
    expect(createHashedTest(names, { entryFileNames: () => '[name]-[hash].js' })(names[0] ?? '')).toBe(false)
  })

  it('reads the length of the hash', () => {
    const isHashed = createHashedTest(['a.0123456789ab.js'], { entryFileNames: '[name].[hash:12].js' })
    expect(isHashed('a.0123456789ab.js')).toBe(true)
  })
})
