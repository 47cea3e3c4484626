import type { RunningRule } from './rule-routes.ts'

/** Of what the device gives, so much is to be free afterwards. */
const ROOM = 0.1

/** Deletes caches that rules have filled, until there is room: the ones that are worth least first. */
export async function evict(
  { caches, navigator }: Pick<ServiceWorkerGlobalScope, 'caches' | 'navigator'>,
  rules: readonly RunningRule[],
): Promise<void> {
  for (const cacheName of inOrder(rules)) {
    await caches.delete(cacheName)
    const { quota = 0, usage = quota } = await navigator.storage.estimate()
    if (quota - usage > quota * ROOM) return
  }
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
