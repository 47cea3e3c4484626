import { expect, it } from 'vitest'
import { shareRuns } from './share-runs.ts'

function setUp() {
  const begun: boolean[] = []
  const ends: (() => void)[] = []
  let ring = () => {}
  const share = shareRuns({
    run: eager => {
      begun.push(eager)
      return new Promise<number>(resolve => ends.push(() => resolve(begun.length)))
    },
    sleep: () =>
      new Promise(resolve => {
        ring = resolve
      }),
    patienceMs: 1,
  })
  return { begun, ends, share, ring: () => ring() }
}

it('runs at once where none is under way, and gives what came of it', async () => {
  const { begun, ends, share } = setUp()
  const result = share(true)
  expect(begun).toEqual([true])
  ends[0]?.()
  expect(await result).toBe(1)
})

it('runs once more for all that ask meanwhile, eagerly where one of them does', async () => {
  const { begun, ends, share } = setUp()
  void share(false)
  const results = [false, true, false].map(eager => share(eager))
  ends[0]?.()
  await expect.poll(() => begun).toEqual([false, true])
  ends[1]?.()
  expect(await Promise.all(results)).toEqual([2, 2, 2])
  void share(false)
  expect(begun).toEqual([false, true, false])
})

it('does not wait for ever for one that hangs', async () => {
  const { begun, share, ring } = setUp()
  void share(false)
  void share(false)
  ring()
  await expect.poll(() => begun).toEqual([false, false])
})

it('goes on after one that failed', async () => {
  let fails = true
  const run = async () => {
    if (fails) throw new Error('closed')
    return 1
  }
  const share = shareRuns({ run, sleep: () => new Promise(() => undefined), patienceMs: 1 })
  await expect(share(false)).rejects.toThrow('closed')
  fails = false
  expect(await share(false)).toBe(1)
})
