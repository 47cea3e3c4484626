import { expect, it } from 'vitest'
import { minifyWorker } from './minify-worker.ts'

it('gives shorter code that does the same, and the map to what it was', async () => {
  const code = 'const longName = 20;\nconst other = longName + 1;\nself.answer = () => other * 2;\n'
  const { renderChunk } = minifyWorker(true)
  if (typeof renderChunk !== 'function') throw new Error('The plugin has no hook.')
  const result = await Reflect.apply(renderChunk, undefined, [code])
  expect(result).toMatchObject({ map: { mappings: expect.stringMatching(/./) } })
  const { code: short } = result as { code: string }
  expect(short.length).toBeLessThan(code.length * 0.7)
  const self: { answer?: () => number } = {}
  new Function('self', short)(self)
  expect(self.answer?.()).toBe(42)
})
