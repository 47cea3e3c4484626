import { expect, it } from 'vitest'
import { isDrainRequest, isMessage } from './messages.ts'

it('knows the messages of its own version and older ones; those of a newer one it leaves alone', () => {
  expect(isMessage({ holdfast: 1, type: 'settled', ids: ['a'] })).toBe(true)
  expect(isMessage({ holdfast: 2, type: 'settled', ids: ['a'] })).toBe(false)
  expect(isMessage({ holdfast: 1 })).toBe(false)
  for (const foreign of [null, undefined, 'settled', 1, { type: 'SKIP_WAITING' }]) {
    expect(isMessage(foreign)).toBe(false)
  }
})

it('takes a drain request only for its own outbox', () => {
  const request = { holdfast: 1, type: 'drain', name: 'holdfast', eager: false }
  expect(isDrainRequest(request, 'holdfast')).toBe(true)
  expect(isDrainRequest(request, 'other')).toBe(false)
})
