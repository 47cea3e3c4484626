import type { Strategy } from 'workbox-strategies/Strategy.js'

/**
 * Has a strategy answer a request that no page waits for, for what it stores and tells on the way. Resolves when that is
 * done; never rejects: the next request of a page does the same.
 */
export async function fetchAgain(strategy: Strategy, request: Request): Promise<void> {
  const [answered, done] = strategy.handleAll({ request, event: createEvent() })
  await Promise.allSettled([answered, done])
}

/** Workbox wants an event to keep alive; whoever has a real one keeps that. One that a script makes refuses `waitUntil`. */
function createEvent(): ExtendableEvent {
  const waitUntil = (work: Promise<unknown>) => void work.catch(() => undefined)
  return Object.create(ExtendableEvent.prototype, { waitUntil: { value: waitUntil } })
}
