import { expect, it } from 'vitest'
import { createTurns } from './capture-turns.ts'

/** Notes when a promise resolves, and lets all that can happen happen. */
async function settledAmong(promises: Record<string, Promise<unknown>>): Promise<string[]> {
  const done: string[] = []
  for (const [name, promise] of Object.entries(promises)) promise.then(() => done.push(name)).catch(() => undefined)
  await new Promise(resolve => setTimeout(resolve))
  return done
}

it('lets a write wait for the earlier ones of its entity', async () => {
  const take = createTurns()
  const [first, second, other] = [take(), take(), take()]
  first.setEntity('a')
  second.setEntity('a')
  other.setEntity('b')
  const waits = { second: second.afterEarlier(), other: other.afterEarlier() }
  expect(await settledAmong(waits)).toEqual(['other'])
  first.end()
  expect(await settledAmong(waits)).toContain('second')
})

it('waits where nobody knows yet of which entity an earlier one is', async () => {
  const take = createTurns()
  const [first, second] = [take(), take()]
  second.setEntity('a')
  const waits = { second: second.afterEarlier() }
  expect(await settledAmong(waits)).toEqual([])
  first.setEntity('b')
  expect(await settledAmong(waits)).toEqual(['second'])
})

it('does not keep a write from the server because of those that are on their way, but because of one that failed', async () => {
  const take = createTurns()
  const first = take()
  first.setEntity('a')
  const second = take()
  second.setEntity('a')
  expect(await settledAmong({ second: second.afterFailed() })).toEqual(['second'])
  first.willBeStored()
  const third = take()
  third.setEntity('a')
  const waits = { third: third.afterFailed() }
  expect(await settledAmong(waits)).toEqual([])
  first.end()
  expect(await settledAmong(waits)).toEqual(['third'])
})
