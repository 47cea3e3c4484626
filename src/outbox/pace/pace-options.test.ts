import { describe, expect, it } from 'vitest'
import { type PaceOptions, resolvePace } from './pace-options.ts'

describe('resolvePace', () => {
  it('fills in the defaults', () => {
    expect(resolvePace()).toEqual({
      batchSize: 10,
      delayMs: 0,
      concurrency: { min: 1, max: 6 },
      endpoint: undefined,
    })
    expect(resolvePace({ concurrency: { max: 3 } }).concurrency).toEqual({ min: 1, max: 3 })
    expect(resolvePace({ concurrency: { min: 8 } }).concurrency).toEqual({ min: 8, max: 8 })
    expect(resolvePace({ concurrency: undefined, delayMs: undefined, batchSize: undefined })).toEqual(resolvePace())
  })

  it.each(['/api/batch', 'https://api.example/batch', 'batch'])('takes the endpoint %s', endpoint =>
    expect(resolvePace({ endpoint }).endpoint).toBe(endpoint),
  )

  it.each([
    null,
    [],
    'fast',
    { size: 10 },
    { batchSize: 0 },
    { batchSize: 1.5 },
    { batchSize: '10' },
    { delayMs: -1 },
    { delayMs: Number.POSITIVE_INFINITY },
    { delayMs: Number.NaN },
    { concurrency: 6 },
    { concurrency: null },
    { concurrency: { most: 6 } },
    { concurrency: { min: 0 } },
    { concurrency: { max: 2.5 } },
    { concurrency: { min: 3, max: 2 } },
    { endpoint: '' },
    { endpoint: 5 },
    { endpoint: 'mailto:a@b.example' },
    { endpoint: 'https://user:secret@api.example/' },
    { endpoint: 'https://user@api.example/' },
    { endpoint: 'https://' },
  ])('refuses %j', options => {
    expect(() => resolvePace(options as PaceOptions)).toThrow(
      expect.objectContaining({ name: 'HoldfastError', code: 'invalid-options' }),
    )
  })
})
