import { expect, it, vi } from 'vitest'
import { tellAll } from './tell-all.ts'

it('tells everyone, and reports what one of them throws', () => {
  const reported: unknown[] = []
  vi.stubGlobal('reportError', (error: unknown) => reported.push(error))
  const heard: string[] = []
  const failure = new Error('mine')
  tellAll(
    [
      () => {
        throw failure
      },
      value => heard.push(value),
    ],
    'word',
  )
  expect(heard).toEqual(['word'])
  expect(reported).toEqual([failure])
  vi.unstubAllGlobals()
})
