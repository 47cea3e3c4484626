import { expect, it } from 'vitest'
import { isChannelMessage, isDrainRequest } from './messages.ts'

it('knows the messages of its own version, and no others', () => {
  expect(isChannelMessage({ holdfast: 1, type: 'settled', ids: ['a'] })).toBe(true)
  expect(isChannelMessage({ holdfast: 2, type: 'settled', ids: ['a'] })).toBe(false)
  expect(isChannelMessage({ holdfast: 1, type: 'toString' })).toBe(false)
  for (const foreign of [null, undefined, 'settled', 1, { type: 'SKIP_WAITING' }]) {
    expect(isChannelMessage(foreign)).toBe(false)
  }
})

it('takes a drain request only for its own outbox', () => {
  const request = { holdfast: 1, type: 'drain', name: 'holdfast', eager: false }
  expect(isDrainRequest(request, 'holdfast')).toBe(true)
  expect(isDrainRequest(request, 'other')).toBe(false)
})
