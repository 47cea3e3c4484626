import type { RunningRule } from './rule-routes.ts'

type Device = Pick<ServiceWorkerGlobalScope, 'caches' | 'navigator'>

/** Of what the device gives, so much is to be free. */
const ROOM = 0.1

/**
 * Empties caches that rules have filled, until there is room: the ones that are worth least first. Chromium does not say
 * how much room there really is, so one cache goes at a time; whoever finds no room the next time comes back.
 */
export async function evict({ caches, navigator }: Device, rules: readonly RunningRule[]): Promise<void> {
  for (const cacheName of inOrder(rules)) {
    if ((await empty(caches, cacheName)) === 0) continue
    const { quota = 0, usage = 0 } = await navigator.storage.estimate()
    if (quota - usage > quota * ROOM) return
  }
}

/** Entry by entry: a cache that is deleted whole gives its room back when nobody has it open any more, which takes its time. */
async function empty(caches: CacheStorage, cacheName: string): Promise<number> {
  const cache = await caches.open(cacheName)
  const requests = await cache.keys()
  await Promise.all(requests.map(request => cache.delete(request)))
  return requests.length
}

/** Caches that may go. Rules that share one protect it together. */
function inOrder(rules: readonly RunningRule[]): string[] {
  const worth = new Map<string, number>()
  for (const { rule, cacheName } of rules) {
    const priority = rule.pinned ? Number.POSITIVE_INFINITY : (rule.priority ?? 0)
    worth.set(cacheName, Math.max(priority, worth.get(cacheName) ?? Number.NEGATIVE_INFINITY))
  }
  const mayGo = [...worth].filter(([, priority]) => priority < Number.POSITIVE_INFINITY)
  return mayGo.sort(([, a], [, b]) => a - b).map(([cacheName]) => cacheName)
}
