import { expect, it } from 'vitest'
import { minifyWorker } from './minify-worker.ts'

it.each([true, false])('gives shorter code that does the same, and where it is asked for a map: %s', async withMap => {
  const code = 'const longName = 20;\nconst other = longName + 1;\nself.answer = () => other * 2;\n'
  const { renderChunk } = minifyWorker({ isOurs: true, withMap })
  if (typeof renderChunk !== 'function') throw new Error('The plugin has no hook.')
  const result = await Reflect.apply(renderChunk, undefined, [code, { fileName: 'sw.js' }])
  const { code: short, map } = result as { code: string; map: { mappings: string } | null }
  expect(Boolean(map?.mappings)).toBe(withMap)
  expect(short.length).toBeLessThan(code.length * 0.7)
  const self: { answer?: () => number } = {}
  new Function('self', short)(self)
  expect(self.answer?.()).toBe(42)
})

it.each([true, false])(
  'shortens what Workbox and localforage keep to themselves, where all code is ours: %s',
  async isOurs => {
    const code =
      "self.a = { _strategy: 20, _initStorage: 1 };\nself.answer = () => self.a._strategy * 2 + self.a['_initStorage'];\n"
    const { renderChunk } = minifyWorker({ isOurs, withMap: false })
    if (typeof renderChunk !== 'function') throw new Error('The plugin has no hook.')
    const { code: short } = await Reflect.apply(renderChunk, undefined, [code, { fileName: 'sw.js' }])
    expect(short.includes('_strategy')).toBe(!isOurs)
    const self: { answer?: () => number } = {}
    new Function('self', short)(self)
    expect(self.answer?.()).toBe(41)
  },
)
