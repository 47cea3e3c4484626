import { describe, expect, it } from 'vitest'
import { HoldfastError } from '../protocol/errors.ts'
import * as short from './short-storage-error.ts'
import * as whole from './storage-error.ts'

const quota = new DOMException('no room', 'QuotaExceededError')
const clone = new DOMException('a function', 'DataCloneError')
const own = new HoldfastError({ code: 'closed', action: 'a', reason: 'b', hint: 'C.' })

describe.each([
  ['in many words', whole],
  ['in few, as in the generated worker', short],
])('what the storage failed with, %s', (_words, { closedError, storageError, unavailableError }) => {
  it.each([
    [storageError('read', quota), 'quota-exceeded', quota],
    [storageError('read', clone), 'storage-failed', clone],
    [storageError('read', 'odd'), 'storage-failed', 'odd'],
    [unavailableError('a', quota), 'quota-exceeded', quota],
    [unavailableError('a', clone), 'storage-unavailable', clone],
    [unavailableError('a'), 'storage-unavailable', undefined],
    [closedError('a'), 'closed', undefined],
  ])('%s', (error, code, cause) => {
    expect(error.code).toBe(code)
    expect(error.cause).toBe(cause)
    expect(error.message).toMatch(/^Failed to .+: .+\. [A-Z].+\.$/)
  })

  it('is left as it is where it is said already', () => {
    expect([storageError('read', own), unavailableError('a', own)]).toEqual([own, own])
  })
})
