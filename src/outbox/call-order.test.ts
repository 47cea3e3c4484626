import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createCallOrder } from './call-order.ts'

it('acts in the order of the calls within a lane, whatever is ready first', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ lane: fc.constantFrom('a', 'b'), ready: fc.constantFrom('now', 'later', 'never') })),
      fc.scheduler(),
      async (calls, scheduler) => {
        const acted: { lane: string; index: number }[] = []
        const inOrder = createCallOrder(async (value: { lane: string; index: number }) => {
          acted.push(value)
        })
        const results = calls.map(({ lane, ready }, index) =>
          inOrder(lane, prepared(scheduler, ready, { lane, index })),
        )
        const all = Promise.allSettled(results)
        await scheduler.waitAll()
        await all
        for (const lane of ['a', 'b']) {
          const expected = calls.flatMap((call, index) => (call.lane === lane && call.ready !== 'never' ? [index] : []))
          expect(acted.filter(value => value.lane === lane).map(({ index }) => index)).toEqual(expected)
        }
      },
    ),
    { numRuns: 200 },
  )
})

it('acts in the same tick where nothing has to be waited for', () => {
  const acted: string[] = []
  const inOrder = createCallOrder(async (value: string) => void acted.push(value))
  void inOrder('a', '1')
  void inOrder(undefined, '2')
  expect(acted).toEqual(['1', '2'])
})

it('does not wait until an earlier action is finished', async () => {
  const acted: string[] = []
  const inOrder = createCallOrder((value: string) => {
    acted.push(value)
    return new Promise<void>(() => undefined)
  })
  void inOrder('a', Promise.resolve('1'))
  void inOrder('a', '2')
  await expect.poll(() => acted).toEqual(['1', '2'])
})

it('gives each caller its own result or error', async () => {
  const inOrder = createCallOrder(async (value: number) => {
    if (value === 2) throw new Error('two')
    return value * 10
  })
  const results = await Promise.allSettled([1, 2, 3].map(value => inOrder('a', Promise.resolve(value))))
  expect(results).toMatchObject([{ value: 10 }, { reason: { message: 'two' } }, { value: 30 }])
})

function prepared<T>(scheduler: fc.Scheduler, ready: string, value: T): T | Promise<T> {
  if (ready === 'now') return value
  if (ready === 'later') return scheduler.schedule(Promise.resolve(value))
  return scheduler.schedule(Promise.resolve()).then(() => Promise.reject(new Error('unreadable')))
}
