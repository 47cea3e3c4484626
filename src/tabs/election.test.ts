import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Browser, createBrowser, pass, type TestTab } from './election.fixture.ts'

let browser: Browser

beforeEach(() => {
  vi.useFakeTimers()
  browser = createBrowser()
})
afterEach(() => {
  vi.useRealTimers()
})

const withoutLocks = { locks: undefined }
const leadersAmong = (...tabs: TestTab[]) => tabs.filter(tab => tab.leadership()).map(({ id }) => id)

describe.each([
  ['with Web Locks', {}],
  ['without Web Locks', withoutLocks],
])('an election %s', (_name, ports) => {
  it('has one leader, whom all know', async () => {
    const tabs = ['c', 'a', 'b'].map(id => browser.open(id, ports))
    await pass(150)
    const [leader] = leadersAmong(...tabs)
    expect(leadersAmong(...tabs)).toHaveLength(1)
    expect(tabs.map(tab => tab.leader()?.id)).toEqual([leader, leader, leader])
  })

  it('keeps its leader when another tab is opened', async () => {
    const first = browser.open('b', ports)
    await pass(150)
    const second = browser.open('a', ports)
    await pass(60_000)
    expect(leadersAmong(first, second)).toEqual(['b'])
    expect(second.leader()).toEqual({ id: 'b', term: 1 })
    expect(first.told).toEqual([1])
  })

  it('has another one when the leader closes, under a later term', async () => {
    const [first, second] = [browser.open('a', ports), browser.open('b', ports)]
    await pass(150)
    first.close()
    expect(first.told).toEqual([1, 'over'])
    await pass(150)
    expect(second.told).toEqual([2])
  })

  it('leaves the lead at once on suspend, and follows on resume', async () => {
    const [first, second] = [browser.open('a', ports), browser.open('b', ports)]
    await pass(150)
    const { signal } = first.leadership() ?? {}
    first.suspend()
    expect(signal?.aborted).toBe(true)
    expect(first.leadership()).toBeUndefined()
    expect(first.leader()).toBeUndefined()
    await pass(150)
    first.resume()
    await pass(60_000)
    expect(leadersAmong(first, second)).toEqual(['b'])
    expect(first.leader()).toEqual({ id: 'b', term: 2 })
  })

  it('stands for nothing while suspended', async () => {
    const [first, second] = [browser.open('a', ports), browser.open('b', ports)]
    await pass(150)
    second.suspend()
    first.close()
    await pass(120_000)
    expect(second.told).toEqual([])
    second.resume()
    await pass(150)
    expect(second.told).toEqual([2])
  })

  it('ends the lead of a tab that hears of a later term', async () => {
    const first = browser.open('a', ports)
    await pass(150)
    await browser.say('leading', { id: 'z', term: 7 })
    expect(first.told).toEqual([1, 'over'])
    expect(first.leader()).toEqual({ id: 'z', term: 7 })
  })

  it('does not follow one whose term is over', async () => {
    const first = browser.open('a', ports)
    await pass(150)
    const second = browser.open('b', ports)
    await browser.say('leading', { id: 'z', term: 7 })
    await browser.say('leading', { id: 'a', term: 1 })
    expect(second.leader()).toEqual({ id: 'z', term: 7 })
    expect(first.leadership()).toBeUndefined()
  })

  it('finds out within 10 s that a later term has begun, when no message told it', async () => {
    const first = browser.open('a', ports)
    await pass(150)
    await browser.terms.next(0)
    await pass(10_000)
    expect(first.told.slice(0, 2)).toEqual([1, 'over'])
  })

  it('leads without a term where the database gives none, and with one when it does again', async () => {
    const next = vi.fn(browser.terms.next).mockRejectedValueOnce(new Error('refused'))
    const first = browser.open('a', { ...ports, terms: { ...browser.terms, next } })
    await pass(150)
    expect(first.leadership()).toMatchObject({ term: undefined })
    await pass(15_000)
    expect(first.leadership()?.term).toBeGreaterThan(0)
  })
})

describe('with Web Locks', () => {
  it('passes the lead on as soon as a tab that crashed lets go of the lock', async () => {
    const [first, second] = [browser.open('a'), browser.open('b')]
    await pass(10)
    first.crash()
    await pass(1)
    expect(second.told).toEqual([2])
  })

  it('takes the lock from a leader that is silent for about 25 s', async () => {
    const [first, second] = [browser.open('a'), browser.open('b')]
    await pass(10)
    first.hang()
    await pass(15_000)
    expect(second.told).toEqual([])
    await pass(15_000)
    expect(second.told).toEqual([2])
    first.wake()
    expect(first.told).toEqual([1, 'over'])
    expect(first.leader()?.id).toBe('b')
  })

  it('leaves the lock to a leader that answers', async () => {
    const [first, second] = [browser.open('a'), browser.open('b')]
    await pass(300_000)
    expect([first.told, second.told]).toEqual([[1], []])
  })

  it('leads no more when other code steals the lock, and leads again when it is free', async () => {
    const first = browser.open('a')
    await pass(10)
    void browser.locks.request('leader', { steal: true }, () => new Promise<void>(free => setTimeout(free, 100)))
    await pass(10)
    expect(first.told).toEqual([1, 'over'])
    await pass(2_000)
    expect(first.told).toEqual([1, 'over', 2])
  })

  it('does not take the lock from itself when it gets it while it claims', async () => {
    let free = () => {}
    void browser.locks
      .request('leader', {}, () => new Promise<void>(resolve => (free = resolve)))
      .catch(() => undefined)
    const first = browser.open('a')
    while (!browser.said.includes('claiming a')) await pass(10)
    free()
    await pass(60_000)
    expect(first.told).toEqual([1])
  })

  it('asks once for a lock that the browser refuses, and elects by messages then', async () => {
    const refused = async () => {
      throw new DOMException('Storage is forbidden', 'SecurityError')
    }
    const request = vi.fn(refused)
    const locks = { request } as unknown as LockManager
    const [first, second] = [browser.open('a', { locks }), browser.open('b', { locks })]
    await pass(60_000)
    expect(leadersAmong(first, second)).toEqual(['a'])
    expect(request).toHaveBeenCalledTimes(2)
  })
})

describe('without Web Locks', () => {
  it('gives a tie to the smaller id, whoever speaks first', async () => {
    const [first, second] = [browser.open('b', withoutLocks), browser.open('a', withoutLocks)]
    await pass(200)
    expect([first.told, second.told]).toEqual([[], [1]])
  })

  it('finds within 1.2 s that the leader has crashed', async () => {
    const [first, second] = [browser.open('a', withoutLocks), browser.open('b', withoutLocks)]
    await pass(10_000)
    first.crash()
    await pass(1_200)
    expect(second.told).toEqual([2])
  })

  it('says nothing while it is alone', async () => {
    browser.open('a', withoutLocks)
    await pass(200)
    const before = browser.said.length
    await pass(600_000)
    expect(browser.said).toHaveLength(before)
  })

  it('answers what it has missed once, not each time', async () => {
    const first = browser.open('a', withoutLocks)
    await pass(200)
    first.hang()
    for (let count = 0; count < 50; count += 1) await browser.say('asking', { id: 'z' })
    const before = browser.said.length
    first.wake()
    expect(browser.said.slice(before)).toEqual(['leading a'])
  })

  it('is not held up by a claim whose timer is late', async () => {
    const hidden = browser.open('a', { ...withoutLocks, sleep: () => new Promise(() => undefined) })
    const shown = browser.open('b', withoutLocks)
    await pass(2_000)
    expect(leadersAmong(hidden, shown)).toEqual(['b'])
  })

  it('begins one term, although it is called to lead twice while the database is slow', async () => {
    const slow = async (above: number) => {
      await new Promise(resolve => setTimeout(resolve, 2_000))
      return browser.terms.next(above)
    }
    const first = browser.open('a', { ...withoutLocks, terms: { ...browser.terms, next: slow } })
    await pass(20_000)
    expect(first.told).toEqual([1])
  })
})
