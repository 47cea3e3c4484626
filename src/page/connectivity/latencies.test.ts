import { expect, it } from 'vitest'
import { createLatencies } from './latencies.ts'

it('gives the median of the last five', () => {
  const latencies = createLatencies()
  expect(latencies.median()).toBeUndefined()
  for (const latencyMs of [900, 40, 950]) latencies.add(latencyMs, performance.now())
  expect(latencies.median()).toBe(900)
  expect(latencies.isSlow()).toBe(true)
  for (const latencyMs of [10, 20, 30]) latencies.add(latencyMs, performance.now())
  expect(latencies.median()).toBe(30)
})

it('is slow above 800 ms, and fast again only below 500 ms', () => {
  const latencies = createLatencies()
  let at = 0
  const after = (latencyMs: number) => {
    // Five of them: the median is that one.
    for (let i = 0; i < 5; i += 1) latencies.add(latencyMs, at++)
    return latencies.isSlow()
  }
  expect([800, 801, 800, 500, 499, 500, 800].map(after)).toEqual([false, true, true, true, false, false, false])
})

it('does not call a link slow for one answer that took long', () => {
  const latencies = createLatencies()
  for (const latencyMs of [40, 4_000, 40]) latencies.add(latencyMs, 0)
  expect(latencies.isSlow()).toBe(false)
})

it('lets go of what was measured more than five minutes ago', () => {
  const latencies = createLatencies()
  for (const at of [0, 1, 2]) latencies.add(2_000, at)
  latencies.add(40, 300_003)
  expect(latencies.median()).toBe(40)
  expect(latencies.isSlow()).toBe(false)
})

it('leaves alone what is no measurement', () => {
  const latencies = createLatencies()
  for (const latencyMs of [Number.NaN, -1, Number.POSITIVE_INFINITY]) latencies.add(latencyMs, 0)
  expect(latencies.median()).toBeUndefined()
})

it('begins anew, with what somebody else has measured', () => {
  const latencies = createLatencies()
  latencies.reset({ latencyMs: 600, isSlow: true, at: 0 })
  expect(latencies.median()).toBe(600)
  latencies.add(600, 1)
  expect(latencies.isSlow()).toBe(true)
  latencies.reset()
  expect(latencies.median()).toBeUndefined()
  expect(latencies.isSlow()).toBe(false)
})
