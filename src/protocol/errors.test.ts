import { expect, it } from 'vitest'
import { HoldfastError, isHoldfastError } from './errors.ts'

const parts = {
  code: 'invalid-mutation',
  action: 'record the mutation',
  reason: 'it has no url',
  hint: 'Pass the address that the write goes to.',
} as const

it('says what failed, why, and what to do', () => {
  const error = new HoldfastError(parts)
  expect(error.message).toBe('Failed to record the mutation: it has no url. Pass the address that the write goes to.')
  expect(error).toMatchObject({ name: 'HoldfastError', code: 'invalid-mutation', hint: parts.hint })
})

it('keeps the error of the platform', () => {
  const cause = new DOMException('full', 'QuotaExceededError')
  expect(new HoldfastError({ ...parts, cause }).cause).toBe(cause)
})

it('is told from other errors, also when it comes from another copy of the package', () => {
  expect(isHoldfastError(new HoldfastError(parts))).toBe(true)
  expect(isHoldfastError(Object.assign(new Error('x'), { name: 'HoldfastError', code: 'closed' }))).toBe(true)
  expect(isHoldfastError(new Error('x'))).toBe(false)
  expect(isHoldfastError('HoldfastError')).toBe(false)
})
