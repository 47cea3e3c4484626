import { expect, it, vi } from 'vitest'
import { keepFirstReads, watchFirstReads } from './first-reads.ts'

const entry = (name: string, startTime: number, more = {}) => ({ name, startTime, initiatorType: 'fetch', ...more })

function createPage(controller: object | null = null) {
  const postMessage = vi.fn()
  const container = Object.assign(new EventTarget(), { controller })
  let observe: ((list: { getEntries(): object[] }) => void) | undefined
  const disconnect = vi.fn()
  const Observer = class {
    constructor(fn: typeof observe) {
      observe = fn
    }
    observe() {}
    disconnect = disconnect
  }
  watchFirstReads({
    container: container as unknown as ServiceWorkerContainer,
    performance: { now: () => 1000 } as Performance,
    Observer: Observer as unknown as typeof PerformanceObserver,
    address: () => 'https://app.example/',
  })
  return {
    takeOver() {
      container.controller = { postMessage }
      container.dispatchEvent(new Event('controllerchange'))
    },
    list: (...entries: object[]) => observe?.({ getEntries: () => entries }),
    told: () => postMessage.mock.calls.map(([{ payload }]) => payload.urlsToCache),
    disconnect,
  }
}

it('tells the worker the page and what was read before it took over, each once', () => {
  const page = createPage()
  page.takeOver()
  page.list(entry('/a', 10), entry('/a', 20), entry('/b', 999, { responseStatus: 200 }), entry('/later', 1001))
  page.list(entry('/on-its-way', 990))
  expect(page.told()).toEqual([['https://app.example/'], ['/a', '/b'], ['/on-its-way']])
})

it('does not tell what failed, nor beacons', () => {
  const page = createPage()
  page.takeOver()
  page.list(entry('/missing', 10, { responseStatus: 404 }), entry('/beacon', 10, { initiatorType: 'beacon' }))
  page.list(entry('/events', 10, { initiatorType: 'other' }))
  expect(page.told()).toEqual([['https://app.example/']])
})

it('ends when whatever was on its way must have ended', () => {
  const page = createPage()
  page.takeOver()
  page.list(entry('/later', 2000))
  expect(page.disconnect).not.toHaveBeenCalled()
  page.list(entry('/much-later', 40_000))
  expect(page.disconnect).toHaveBeenCalledOnce()
})

it('does nothing where a worker controls the page already', () => {
  const page = createPage({})
  page.takeOver()
  expect(page.told()).toEqual([])
})

it('does nothing on a server', () => {
  expect(() => keepFirstReads()).not.toThrow()
})
