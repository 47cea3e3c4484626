import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createGroupCommit } from './group-commit.ts'

const microtasks = async (count: number) => {
  for (let index = 0; index < count; index++) await Promise.resolve()
}

function createGate() {
  const opens: (() => void)[] = []
  return { pass: () => new Promise<void>(resolve => opens.push(resolve)), open: () => opens.shift()?.(), opens }
}

describe('createGroupCommit', () => {
  it('lets the items of one tick share a write, as in the example', async () => {
    const writes: string[][] = []
    const commit = createGroupCommit<string, number>({
      write: async items => {
        writes.push(items)
        return items.map(item => item.length)
      },
    })
    expect(await Promise.all([commit('a'), commit('bcd')])).toEqual([1, 3])
    expect(writes).toEqual([['a', 'bcd']])
  })

  it('begins the first write of an idle committer within a microtask', async () => {
    const writes: number[][] = []
    const commit = createGroupCommit<number, number>({
      write: async items => {
        writes.push(items)
        return items
      },
    })
    void commit(1)
    await Promise.resolve()
    expect(writes).toEqual([[1]])
  })

  it('collects what comes while a write is in flight, and has one in flight at most', async () => {
    const gate = createGate()
    const writes: number[][] = []
    const commit = createGroupCommit<number>({
      write: async items => {
        writes.push(items)
        await gate.pass()
        return items.map(() => undefined)
      },
    })
    const first = commit(1)
    await microtasks(5)
    const rest = [commit(2), commit(3)]
    await microtasks(5)
    rest.push(commit(4))
    await microtasks(5)
    expect(writes).toEqual([[1]])

    gate.open()
    await first
    await microtasks(5)
    expect(writes).toEqual([[1], [2, 3, 4]])
    gate.open()
    await Promise.all(rest)
  })

  it('writes at most maxItems at once', async () => {
    const sizes: number[] = []
    const commit = createGroupCommit<number>({
      maxItems: 3,
      write: async items => {
        sizes.push(items.length)
        return items.map(() => undefined)
      },
    })
    await Promise.all([1, 2, 3, 4, 5, 6, 7].map(commit))
    expect(sizes).toEqual([3, 3, 1])
  })

  it('lets a bad item fail alone', async () => {
    const kept: number[] = []
    const commit = createGroupCommit<number>({
      write: async items => {
        if (items.includes(2)) throw new Error('two is bad')
        kept.push(...items)
        return items.map(() => undefined)
      },
    })
    const results = await Promise.allSettled([commit(1), commit(2), commit(3)])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(kept).toEqual([1, 3])
    await commit(4)
    expect(kept).toEqual([1, 3, 4])
  })

  it('holds what has to wait: behind a write in flight, and beyond maxItems', async () => {
    const written: string[] = []
    const commit = createGroupCommit<string>({
      maxItems: 2,
      hold: item => {
        if (item === 'bad') throw new Error('cannot be held')
        return `${item} held`
      },
      write: async items => {
        written.push(...items)
        await microtasks(3)
        return items.map(() => undefined)
      },
    })
    const results = Promise.allSettled(['a', 'b', 'c', 'bad'].map(commit))
    await microtasks(2)
    await commit('d')
    expect(written).toEqual(['a', 'b', 'c held', 'd held'])
    expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
  })

  it('settles every item by its own result, in order, with one write at a time, whatever the timing', async () => {
    const offer = fc.record({ wait: fc.nat(6), bad: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(offer, { maxLength: 40 }), fc.nat(8), fc.integer({ min: 1, max: 5 }), check),
      { numRuns: 300 },
    )
  })
})

async function check(offers: { wait: number; bad: boolean }[], writeTime: number, maxItems: number): Promise<void> {
  const kept: number[] = []
  let inFlight = 0
  const commit = createGroupCommit<number, string>({
    maxItems,
    write: async items => {
      inFlight += 1
      expect(inFlight).toBe(1)
      expect(items.length).toBeLessThanOrEqual(maxItems)
      await microtasks(writeTime)
      inFlight -= 1
      const bad = items.find(item => offers[item]?.bad)
      if (bad !== undefined) throw new Error(`bad ${bad}`)
      kept.push(...items)
      return items.map(item => `result ${item}`)
    },
  })

  const settled: Promise<string>[] = []
  for (const [item, { wait }] of offers.entries()) {
    settled.push(commit(item).catch((error: Error) => error.message))
    await microtasks(wait)
  }
  const expected = offers.map(({ bad }, item) => (bad ? `bad ${item}` : `result ${item}`))
  expect(await Promise.all(settled)).toEqual(expected)
  expect(kept).toEqual([...offers.keys()].filter(item => !offers[item]?.bad))
}
