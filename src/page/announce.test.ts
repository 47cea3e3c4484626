import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createAnnounce } from './announce.ts'

let window: EventTarget
let lifetime: AbortController
let told: string[][]
let announce: (id: string) => void

beforeEach(() => {
  vi.useFakeTimers()
  window = new EventTarget()
  lifetime = new AbortController()
  told = []
  announce = createAnnounce({ tell: ids => told.push(ids), window, now: () => Date.now(), signal: lifetime.signal })
})
afterEach(() => {
  lifetime.abort()
  vi.useRealTimers()
})

it('tells a write that comes alone at once', () => {
  announce('a')
  expect(told).toEqual([['a']])
  vi.advanceTimersByTime(200)
  announce('b')
  expect(told).toEqual([['a'], ['b']])
})

it('tells the rest of a burst together, when it pauses', () => {
  for (const id of ['a', 'b', 'c']) announce(id)
  expect(told).toEqual([['a']])
  vi.advanceTimersByTime(50)
  expect(told).toEqual([['a'], ['b', 'c']])
})

it('tells of a burst that does not pause every quarter of a second, and forgets no write', () => {
  const ids = Array.from({ length: 300 }, (_, index) => `id-${index}`)
  for (const id of ids) {
    announce(id)
    vi.advanceTimersByTime(10)
  }
  expect(told.length).toBeGreaterThanOrEqual(11)
  expect(told.length).toBeLessThanOrEqual(13)
  vi.advanceTimersByTime(50)
  expect(told.flat()).toEqual(ids)
})

it('tells what is left when the page is left', () => {
  for (const id of ['a', 'b']) announce(id)
  window.dispatchEvent(new Event('pagehide'))
  expect(told).toEqual([['a'], ['b']])
  vi.advanceTimersByTime(50)
  expect(told).toHaveLength(2)
})

it('tells what is left when the client is closed, since the worker is to go on with it', () => {
  for (const id of ['a', 'b']) announce(id)
  lifetime.abort()
  expect(told).toEqual([['a'], ['b']])
  vi.advanceTimersByTime(50)
  expect(told).toHaveLength(2)
})
