import { namesOf } from '../../src/protocol/names.ts'
import type { SyncEvent } from '../sync-event.ts'
import { fetchAgain } from './fetch-again.ts'
import type { RuleFeature, RunningRule } from './rule-routes.ts'

/**
 * For rules with `refresh`: at each `periodicsync` event, which comes about twice a day where the browser has it, what is
 * stored of them is fetched again, so that the app opens with what is new, also offline. The outbox has the page ask for
 * these events.
 */
export const refresh: RuleFeature = {
  start(rules, { name, scope }) {
    const fresh = rules.filter(({ rule }) => rule.refresh)
    if (fresh.length === 0) return
    const { syncTagPrefix } = namesOf(name)
    scope.addEventListener('periodicsync', event => {
      const sync = event as SyncEvent
      if (sync.tag.startsWith(syncTagPrefix)) sync.waitUntil(refreshAll(fresh, scope))
    })
  },
}

/** Of one rule; the newest ones. A browser gives such an event little time. */
const MOST = 30

async function refreshAll(rules: readonly RunningRule[], { caches }: ServiceWorkerGlobalScope): Promise<void> {
  for (const { strategy, cacheName, matches } of rules) {
    const cache = await caches.open(cacheName)
    const stored = await cache.keys()
    const own = stored.filter(({ url }) => matches(new URL(url), new URL(url).origin === location.origin))
    // One after the other: the person may be at work meanwhile.
    for (const request of own.slice(-MOST)) await fetchAgain(strategy, asAsked(request))
  }
}

/** What Chromium reads back from a cache has lost its mode and its credentials: nobody would be signed in. */
function asAsked({ url, headers }: Request): Request {
  return new Request(url, { headers })
}
