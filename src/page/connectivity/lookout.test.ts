import { expect, it } from 'vitest'
import { createVirtualTime } from '../../outbox/virtual-time.fixture.ts'
import { createLookout } from './lookout.ts'

function setUp({ tookMs = 0, nextMs = Number.POSITIVE_INFINITY } = {}) {
  const time = createVirtualTime(0)
  const looks: number[] = []
  const signals: AbortSignal[] = []
  const lookout = createLookout({
    monotonic: time.now,
    sleep: time.sleep,
    look: async until => {
      looks.push(time.now())
      signals.push(until)
      await time.sleep(tookMs, until)
      return nextMs
    },
  })
  const wait = (ms: number) => time.drive(time.sleep(ms))
  return { time, looks, signals, lookout, wait }
}

it('looks once for the soonest of several words', async () => {
  const { lookout, looks, wait } = setUp()
  for (const delayMs of [500, 200, 300, Number.POSITIVE_INFINITY]) lookout.within(delayMs)
  await wait(1_000)
  expect(looks).toEqual([200])
})

it('is not put off by words that keep coming', async () => {
  const { lookout, looks, wait } = setUp()
  for (let i = 0; i < 10; i += 1) {
    lookout.within(250)
    await wait(100)
  }
  expect(looks).toEqual([250, 550, 850])
})

it('takes a word during a look for that look', async () => {
  const { lookout, looks, wait } = setUp({ tookMs: 500 })
  lookout.within(0)
  await wait(100)
  expect(lookout.isLooking()).toBe(true)
  lookout.within(0)
  await wait(1_000)
  expect(looks).toEqual([0])
  expect(lookout.isLooking()).toBe(false)
})

it('goes on as the look says', async () => {
  const { lookout, looks, wait } = setUp({ tookMs: 100, nextMs: 900 })
  lookout.within(0)
  await wait(2_500)
  expect(looks).toEqual([0, 1_000, 2_000])
})

it('ends the look under way and every timer, and begins anew when it is told to', async () => {
  const { lookout, looks, signals, wait } = setUp({ tookMs: 100, nextMs: 900 })
  lookout.within(0)
  await wait(50)
  lookout.end()
  expect(signals[0]?.aborted).toBe(true)
  await wait(5_000)
  expect(looks).toEqual([0])
  lookout.within(10)
  lookout.end()
  await wait(5_000)
  expect(looks).toEqual([0])
  lookout.within(0)
  await wait(50)
  expect(looks).toHaveLength(2)
})

it('tells who waits when a look is over, and when it is given up', async () => {
  const { lookout, time } = setUp({ tookMs: 100 })
  lookout.within(50)
  await time.drive(lookout.over())
  expect(time.now()).toBe(150)
  lookout.within(50)
  const given = lookout.over()
  lookout.end()
  await time.drive(given)
  expect(time.now()).toBe(150)
})
