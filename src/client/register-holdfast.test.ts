import type { RegisterOptions } from 'virtual:holdfast'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { followUpdates, registerHoldfast, type UpdatePorts } from './register-holdfast.ts'

interface FakeWorker extends EventTarget {
  state: ServiceWorkerState
  posted: unknown[]
  become(state: ServiceWorkerState): void
}

function fakeWorker(state: ServiceWorkerState): FakeWorker {
  const worker: FakeWorker = Object.assign(new EventTarget(), {
    state,
    posted: [] as unknown[],
    postMessage: (data: unknown) => worker.posted.push(data),
    become(next: ServiceWorkerState) {
      worker.state = next
      worker.dispatchEvent(new Event('statechange'))
    },
  })
  return worker
}

const BUILT = { url: '/sw.js', scope: '/', name: 'updates' }
const SCOPE = 'https://app.example/'

/** The browser's side: one registration, moved from outside. */
function createBrowser({ active }: { active?: FakeWorker } = {}) {
  const registration = Object.assign(new EventTarget(), {
    scope: SCOPE,
    installing: null as FakeWorker | null,
    waiting: null as FakeWorker | null,
    active: active ?? null,
    update: vi.fn(async () => undefined),
  })
  const container = Object.assign(new EventTarget(), {
    controller: active ?? null,
    register: vi.fn(async () => registration),
    getRegistration: vi.fn(async () => (active ? registration : undefined)),
  })
  const reload = vi.fn()
  const ports = {
    container,
    locks: undefined,
    window: new EventTarget(),
    document: Object.assign(new EventTarget(), { readyState: 'complete', visibilityState: 'visible', baseURI: SCOPE }),
    isOnline: () => true,
    now: () => 0,
    reload,
  } as unknown as UpdatePorts & { window: EventTarget; document: { readyState: string } }
  return {
    registration,
    container,
    ports,
    reload,
    /** A version is found, and installs. */
    find(): FakeWorker {
      const coming = fakeWorker('installing')
      registration.installing = coming
      registration.dispatchEvent(new Event('updatefound'))
      return coming
    },
    install(coming: FakeWorker) {
      registration.installing = null
      registration.waiting = coming
      coming.become('installed')
    },
    activate(coming: FakeWorker) {
      registration.waiting = null
      registration.active = coming
      coming.become('activating')
      container.controller = coming
      container.dispatchEvent(new Event('controllerchange'))
      coming.become('activated')
    },
  }
}

let told: string[]
let end: AbortController

beforeEach(() => {
  told = []
  end = new AbortController()
})
afterEach(() => end.abort())

function follow(ports: UpdatePorts, options: RegisterOptions = {}) {
  return followUpdates(
    BUILT,
    {
      onNeedRefresh: () => told.push('need-refresh'),
      onOfflineReady: () => told.push('offline-ready'),
      onRegistered: ({ scope }) => told.push(`registered ${scope}`),
      onError: error => told.push(error.message),
      signal: end.signal,
      ...options,
    },
    ports,
  )
}

const REGISTERED = `registered ${SCOPE}`
const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}

describe('the first version', () => {
  it('is told of when it is active, and reloads nothing', async () => {
    const browser = createBrowser()
    const coming = fakeWorker('installing')
    browser.registration.installing = coming
    follow(browser.ports)
    await turns()
    expect(told).toEqual([REGISTERED])
    browser.install(coming)
    await turns()
    expect(told).toEqual([REGISTERED])
    browser.activate(coming)
    await turns()
    expect(told).toEqual([REGISTERED, 'offline-ready'])
    expect(browser.reload).not.toHaveBeenCalled()
  })

  it('is told of as well where it became active before anybody looked', async () => {
    const browser = createBrowser()
    const worker = fakeWorker('activating')
    browser.registration.active = worker
    follow(browser.ports)
    await turns()
    browser.activate(worker)
    await turns()
    expect(told).toEqual([REGISTERED, 'offline-ready'])
    expect(browser.reload).not.toHaveBeenCalled()
  })

  it('is registered after the page has loaded', async () => {
    const browser = createBrowser()
    browser.ports.document.readyState = 'interactive'
    follow(browser.ports)
    await turns()
    expect(browser.container.register).not.toHaveBeenCalled()
    browser.ports.window.dispatchEvent(new Event('load'))
    await turns()
    expect(browser.container.register).toHaveBeenCalledWith('/sw.js', { scope: '/', updateViaCache: 'none' })
  })
})

describe('a later version', () => {
  it('waits, and is told of once; each one that follows it as well', async () => {
    const browser = createBrowser({ active: fakeWorker('activated') })
    follow(browser.ports)
    await turns()
    browser.install(browser.find())
    browser.registration.dispatchEvent(new Event('updatefound'))
    expect(told).toEqual([REGISTERED, 'need-refresh'])
    browser.install(browser.find())
    expect(told).toEqual([REGISTERED, 'need-refresh', 'need-refresh'])
  })

  it('that waited before the page was opened is told of', async () => {
    const browser = createBrowser({ active: fakeWorker('activated') })
    browser.registration.waiting = fakeWorker('installed')
    follow(browser.ports)
    await turns()
    expect(told).toEqual([REGISTERED, 'need-refresh'])
  })

  it('takes over at update(), the newest of all, and the page reloads once', async () => {
    const browser = createBrowser({ active: fakeWorker('activated') })
    const updates = follow(browser.ports)
    await turns()
    const second = browser.find()
    browser.install(second)
    const updating = updates.update()
    await turns()
    expect(second.posted).toEqual([{ type: 'SKIP_WAITING' }])
    const third = browser.find()
    browser.install(third)
    second.become('redundant')
    await turns()
    expect(third.posted).toEqual([{ type: 'SKIP_WAITING' }])
    browser.activate(third)
    await updating
    browser.activate(fakeWorker('installed'))
    await turns()
    expect(browser.reload).toHaveBeenCalledTimes(1)
  })

  it('that another tab has agreed to reloads this one, also where it was opened past its worker', async () => {
    const browser = createBrowser({ active: fakeWorker('activated') })
    browser.container.controller = null
    follow(browser.ports)
    await turns()
    const coming = browser.find()
    browser.install(coming)
    browser.activate(coming)
    await turns()
    expect(browser.reload).toHaveBeenCalledTimes(1)
    expect(coming.posted).toEqual([])
  })

  it('takes over by itself in automatic mode', async () => {
    const browser = createBrowser({ active: fakeWorker('activated') })
    follow(browser.ports, { mode: 'auto' })
    await turns()
    const coming = browser.find()
    browser.install(coming)
    await turns()
    expect(coming.posted).toEqual([{ type: 'SKIP_WAITING' }])
    expect(told).toEqual([REGISTERED])
  })

  it('that cannot be installed is an error; one that a newer one replaces is none', async () => {
    const browser = createBrowser({ active: fakeWorker('activated') })
    follow(browser.ports)
    await turns()
    const replaced = browser.find()
    browser.install(replaced)
    replaced.become('redundant')
    expect(told).toEqual([REGISTERED, 'need-refresh'])
    browser.find().become('redundant')
    expect(told.slice(2)).toEqual([expect.stringMatching(/^Failed to install a version of the app: \/sw\.js gave up/)])
  })

  it('is of no interest after the signal', async () => {
    const browser = createBrowser({ active: fakeWorker('activated') })
    const updates = follow(browser.ports)
    await turns()
    end.abort()
    const coming = browser.find()
    browser.install(coming)
    await updates.update()
    browser.activate(coming)
    await turns()
    expect([told, coming.posted]).toEqual([[REGISTERED], []])
    expect(browser.reload).not.toHaveBeenCalled()
  })
})

describe('where there is no worker', () => {
  it('an error says so: it cannot be loaded, or the browser has none', async () => {
    const browser = createBrowser()
    browser.container.register.mockRejectedValue(new TypeError('404'))
    const updates = follow(browser.ports)
    await Promise.all([updates.update(), updates.check()])
    follow({ ...browser.ports, container: undefined })
    expect(told).toEqual([
      expect.stringMatching(/\/sw\.js could not be loaded or run \(404\)/),
      expect.stringMatching(/has none here/),
    ])
  })

  it('nothing happens on a server, and where the plugin builds none', async () => {
    const onError = vi.fn()
    await registerHoldfast(BUILT, { onError }).update()
    await registerHoldfast(false, { onError }).check()
    expect(onError).not.toHaveBeenCalled()
  })
})

it('check() looks for a new version, and never rejects', async () => {
  const browser = createBrowser({ active: fakeWorker('activated') })
  browser.registration.update.mockRejectedValue(new TypeError('offline'))
  await follow(browser.ports).check()
  expect(browser.registration.update).toHaveBeenCalledTimes(1)
})
