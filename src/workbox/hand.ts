import { parseIdempotencyKey } from '../protocol/idempotency-key.ts'
import type { RequestData } from './queue-entry.ts'
import type { QueueStore } from './queue-store.ts'
import type { End, Taken } from './queue-take.ts'

/** What the app has taken out of a queue, and may put back. */
export interface Hand {
  /** Whether what is taken stays on record, because there will be an end to it. */
  isOpen(): boolean
  /** Notes what was taken, as which request. */
  take(request: Request, taken: Taken, end: End): void
  /** What was taken as this very request. */
  find(request: Request): Taken | undefined
  /**
   * What an altered copy of a request in hand is a copy of, by the idempotency key in it. The copy is another request,
   * and servers refuse an old key with a new request: so it is given without.
   */
  findCopy(requestData: RequestData): { replaces?: Taken; requestData: RequestData }
  /** Notes that it was put back. */
  letGo(taken: Taken): void
  /** What is in hand is done, and leaves the queue. The app may put it back all the same. */
  settle(): Promise<void>
  /**
   * Runs `work`, within which things are taken in hand. When it ends, they are done, and leave the queue. When it fails,
   * the one that was taken last goes back, if the app has not put it back already: that is the one it failed with.
   */
  during(work: () => void | Promise<void>): Promise<void>
}

export function createHand(store: Pick<QueueStore, 'dropAll' | 'putBack'>): Hand {
  const byRequest = new WeakMap<Request, Taken>()
  const over = new WeakSet<Taken>()
  let inHand: Taken[] | undefined
  let last: { taken: Taken; end: End } | undefined

  const present = () => (inHand ?? []).filter(taken => !over.has(taken))

  async function settle(): Promise<void> {
    const done = present()
    inHand &&= []
    await store.dropAll(done)
  }

  async function putBackLast(): Promise<void> {
    if (!last || !present().includes(last.taken)) return
    over.add(last.taken)
    await store.putBack(last.taken, last.end)
  }

  return {
    isOpen: () => inHand !== undefined,

    take(request, taken, end) {
      byRequest.set(request, taken)
      inHand?.push(taken)
      last = { taken, end }
    },

    find(request) {
      const taken = byRequest.get(request)
      return taken && !over.has(taken) ? taken : undefined
    },

    findCopy(requestData) {
      const keys = new Map(present().map(taken => [taken.mutation.idempotencyKey ?? taken.mutation.id, taken]))
      for (const [name, value] of Object.entries(requestData.headers)) {
        const replaces = keys.get(parseIdempotencyKey(value) ?? '')
        if (name !== replaces?.key.header.toLowerCase()) continue
        const { [name]: _old, ...headers } = requestData.headers
        return { replaces, requestData: { ...requestData, headers } }
      }
      return { requestData }
    },

    letGo: taken => void over.add(taken),

    settle,

    async during(work) {
      inHand = []
      last = undefined
      try {
        await work()
      } catch (error) {
        await putBackLast()
        throw error
      } finally {
        await settle()
        inHand = undefined
      }
    },
  }
}
