import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { vi } from 'vitest'

/** A request as it came to the network. */
export interface Arrival {
  method: string
  url: string
  headers: Record<string, string>
  body: string
}

/** The globals of a service worker, as far as a queue uses them, around a network and a browser of the test's own. */
export interface WorkerContext {
  /** What was sent, in order. */
  sent: Arrival[]
  /** The tags that were registered. */
  tags: string[]
  /** Answers from now on; default 200. */
  answer(by: (arrival: Arrival) => Response | Promise<Response>): void
  /** No request gets through, and `navigator.onLine` is false. */
  offline(): void
  online(): void
  /** Dispatches a `sync` event as the browser does; resolves or rejects as what was handed to `waitUntil`. */
  sync(tag: string, options?: { lastChance?: boolean }): Promise<void>
  /** The browser kills the worker: its listeners are gone, and its locks are free. The databases stay. */
  kill(): void
}

export const ORIGIN = 'https://app.example'

/** Begins with empty databases. */
export function startContext(): WorkerContext {
  const context = { sent: [] as Arrival[], tags: [] as string[] }
  let by: (arrival: Arrival) => Response | Promise<Response> = () => new Response('', { status: 200 })
  let isOnline = true
  let scope = new EventTarget()

  const begin = () => {
    scope = new EventTarget()
    const current = scope
    vi.stubGlobal('addEventListener', (...args: Parameters<EventTarget['addEventListener']>) =>
      current.addEventListener(...args),
    )
    vi.stubGlobal('navigator', { onLine: isOnline, locks: createLocks() })
  }

  vi.stubEnv('NODE_ENV', 'production')
  vi.stubGlobal('indexedDB', new IDBFactory())
  vi.stubGlobal('self', globalThis)
  vi.stubGlobal('location', new URL(`${ORIGIN}/sw.js`))
  const register = async (tag: string) => void context.tags.push(tag)
  vi.stubGlobal('registration', { sync: { register } })
  vi.stubGlobal('fetch', async (input: RequestInfo, init?: RequestInit) => {
    const request = new Request(input, init)
    const { method, url } = request
    const arrival = { method, url, headers: Object.fromEntries(request.headers), body: await request.text() }
    if (!isOnline) throw new TypeError('no network')
    context.sent.push(arrival)
    return by(arrival)
  })
  begin()
  const setOnline = (value: boolean) => {
    isOnline = value
    Object.assign(navigator, { onLine: value })
  }

  return {
    ...context,
    answer(next) {
      by = next
    },
    offline: () => setOnline(false),
    online: () => setOnline(true),
    async sync(tag, { lastChance = false } = {}) {
      const held: Promise<unknown>[] = []
      const waitUntil = (promise: Promise<unknown>) => held.push(promise)
      scope.dispatchEvent(Object.assign(new Event('sync'), { tag, lastChance, waitUntil }))
      await Promise.all(held)
    },
    kill: begin,
  }
}

/** Exclusive locks, one after the other. */
function createLocks() {
  const tails = new Map<string, Promise<unknown>>()
  return {
    request<T>(name: string, _options: object, work: () => Promise<T>): Promise<T> {
      const result = (tails.get(name) ?? Promise.resolve()).then(work)
      tails.set(
        name,
        result.catch(() => undefined),
      )
      return result
    },
  }
}

/** A worker that starts has no queues yet. */
export function forgetQueueNames(): void {
  Reflect.deleteProperty(globalThis, Symbol.for('holdfast.workbox.queue-names'))
}

export function post(
  path: string,
  { body = `body of ${path}`, headers = {} }: { body?: string; headers?: object } = {},
) {
  return new Request(`${ORIGIN}${path}`, { method: 'POST', headers: { 'x-path': path, ...headers }, body })
}

export function pathOf(url: string | undefined): string {
  return url === undefined ? '' : new URL(url).pathname
}
