import { expect } from 'vitest'
import type { Handlers } from '../src/outbox/handlers.ts'
import type { Platform } from '../src/outbox/platform.ts'
import { type CaptureRules, checkCaptureRules } from '../src/protocol/capture.ts'
import type { Mutation } from '../src/protocol/mutation.ts'
import { openStorage, type Storage } from '../src/storage/open-storage.ts'
import { startCapture } from './capture.ts'

export const ORIGIN = 'https://app.example'

/** No network, as fetch tells it. */
export const offline = () => Promise.reject(new TypeError('no network'))

/** A worker that keeps writes, with a network and a database of its own. */
export interface Stage {
  name: string
  storage: Storage
  platform: Platform
  /** What the worker has sent, oldest first. */
  sent: Request[]
  /** How the network answers from now on. Default: 201. */
  answer: (request: Request) => Response | Promise<Response>
  /** The tags that were registered for Background Sync. */
  tags: string[]
  start(rules?: CaptureRules, handlers?: Handlers): void
  /** Dispatches a request as the browser does; undefined where it is left to the browser. */
  respond(request: Request): Promise<Response> | undefined
  /** The same for one that is not left to the browser. */
  answered(request: Request): Promise<Response>
  /** What waits, in the order in which it was stored. */
  stored(): Promise<Mutation[]>
}

let count = 0

/** With a name it is another worker of the app that had it first. */
export async function createStage(name = `capture-${count}`): Promise<Stage> {
  count += 1
  const storage = await openStorage({ name })
  const stage: Pick<Stage, 'sent' | 'answer' | 'tags'> = {
    sent: [],
    tags: [],
    answer: () => new Response('done', { status: 201 }),
  }
  const register = async (tag: string) => void stage.tags.push(tag)
  const registration = { scope: `${ORIGIN}/`, sync: { register } }
  const scope = Object.assign(new EventTarget(), { registration }) as unknown as ServiceWorkerGlobalScope
  const platform: Platform = {
    fetch: async (input, init) => {
      const request = new Request(input, init)
      stage.sent.push(request)
      return stage.answer(request)
    },
    origin: ORIGIN,
    now: () => Date.now(),
    random: () => 0.999,
    isOnline: () => true,
    timeout: delayMs => AbortSignal.timeout(delayMs),
    // Nobody drains in these tests: what is stored stays to be looked at.
    locks: { request: () => new Promise(() => undefined) } as unknown as LockManager,
    sleep: () => new Promise(() => undefined),
  }
  const respond = (request: Request) => {
    let response: Promise<Response> | undefined
    let onHandled: (response: Promise<Response>) => void = () => undefined
    const handled = new Promise(resolve => {
      onHandled = resolve
    })
    handled.catch(() => undefined)
    const respondWith = (given: Promise<Response>) => {
      response = given
      onHandled(given)
    }
    const waitUntil = (promise: Promise<unknown>) => void promise.catch(() => undefined)
    scope.dispatchEvent(
      Object.assign(new Event('fetch', { cancelable: true }), {
        request,
        clientId: 'a-tab',
        handled,
        respondWith,
        waitUntil,
      }),
    )
    return response as Promise<Response> | undefined
  }
  return Object.assign(stage, {
    name,
    storage,
    platform,
    start: (rules: CaptureRules = ['/api/**'], handlers?: Handlers) =>
      void startCapture({ rules: checkCaptureRules(rules), name, handlers, platform, scope }),
    respond,
    answered: async (request: Request) => respond(request) ?? Promise.reject(new Error('left to the browser')),
    stored: async () => {
      const all: Mutation[] = await storage.transact(['mutations'], 'readonly', tx =>
        tx.objectStore('mutations').getAll(),
      )
      return all.sort((a, b) => a.sequence - b.sequence)
    },
  })
}

export function write(path: string, init: RequestInit = {}): Request {
  return new Request(new URL(path, ORIGIN), { method: 'POST', ...init })
}

export async function receiptOf(response: Response): Promise<{ id: string; state: string }> {
  expect(response.status).toBe(202)
  const { receipt } = (await response.json()) as { receipt: { id: string; state: string } }
  expect(response.headers.get('holdfast-receipt')).toBe(receipt.id)
  expect(response.headers.get('location')).toBe(`${ORIGIN}/.holdfast/${receipt.id}`)
  return receipt
}
