import { expect, it } from 'vitest'
import { createOneAtATime } from './one-at-a-time.ts'

it('runs once at a time, and once more for all calls that came meanwhile', async () => {
  const finish: (() => void)[] = []
  const run = createOneAtATime(() => new Promise(resolve => finish.push(resolve)))
  const calls = [run(), run(), run()]
  expect(finish).toHaveLength(1)
  finish[0]?.()
  await calls[0]
  await expect.poll(() => finish.length).toBe(2)
  finish[1]?.()
  await Promise.all(calls)
  void run()
  expect(finish).toHaveLength(3)
})

it('goes on after a failure', async () => {
  let runs = 0
  const run = createOneAtATime(async () => {
    runs += 1
    if (runs === 1) throw new Error('the first one fails')
  })
  const [first, second] = [run(), run()]
  await expect(first).rejects.toThrow('the first one fails')
  await second
  expect(runs).toBe(2)
})
