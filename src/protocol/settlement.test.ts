import { expect, it } from 'vitest'
import { asProblem } from './settlement.ts'

it('ignores members of the wrong type and supplies the type', () => {
  expect(asProblem({ title: 'Too long', status: '422' })).toEqual({ type: 'about:blank', title: 'Too long' })
})

it('keeps what extends the problem', () => {
  const problem = { type: 'https://example.org/too-long', detail: '300 of 280', limit: 280 }
  expect(asProblem(problem)).toEqual(problem)
})

it.each([null, 'text', 42, [1], undefined])('is no problem: %j', body => {
  expect(asProblem(body)).toBeUndefined()
})
