import { afterEach, beforeEach, expect, it, type Mock, vi } from 'vitest'
import { checkRegularly } from './check-regularly.ts'

const HOUR = 3_600_000
let page: EventTarget & { visibilityState: DocumentVisibilityState }
let isOnline: boolean
let end: AbortController
let check: Mock<() => void>

beforeEach(() => {
  vi.useFakeTimers()
  page = Object.assign(new EventTarget(), { visibilityState: 'visible' as const })
  isOnline = true
  end = new AbortController()
  check = vi.fn()
  const document = page as unknown as Document
  checkRegularly(check, { document, isOnline: () => isOnline, now: () => Date.now(), signal: end.signal })
})
afterEach(() => {
  vi.useRealTimers()
})

function become(state: DocumentVisibilityState): void {
  page.visibilityState = state
  page.dispatchEvent(new Event('visibilitychange'))
}

it('looks each hour', async () => {
  await vi.advanceTimersByTimeAsync(3 * HOUR)
  expect(check).toHaveBeenCalledTimes(3)
})

it('looks when the tab is shown, once a minute at most', async () => {
  become('visible')
  expect(check).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(60_000)
  become('hidden')
  expect(check).not.toHaveBeenCalled()
  become('visible')
  become('visible')
  expect(check).toHaveBeenCalledTimes(1)
})

it('does not look without a network', async () => {
  isOnline = false
  await vi.advanceTimersByTimeAsync(HOUR)
  become('visible')
  expect(check).not.toHaveBeenCalled()
  isOnline = true
  become('visible')
  expect(check).toHaveBeenCalledTimes(1)
})

it('ends with the signal', async () => {
  end.abort()
  await vi.advanceTimersByTimeAsync(2 * HOUR)
  become('visible')
  expect(check).not.toHaveBeenCalled()
})
