import { CacheExpiration } from 'workbox-expiration/CacheExpiration.js'
import type { CachingRule } from '../../src/protocol/caching.ts'
import { ageOf } from './age.ts'
import type { RuleFeature, RulePlugin } from './rule-routes.ts'

/** For rules with a maximum age, or a maximum of entries: the least recently used go first. */
export const expiry: RuleFeature = {
  plugins(rule, { cacheName }) {
    const { maxAgeMs, maxEntries, staleIfError } = rule
    // What may stand in for an answer that fails is not deleted for its age.
    const isDeleted = maxEntries !== undefined || (maxAgeMs !== undefined && !staleIfError)
    return {
      reading: [
        ...(maxAgeMs === undefined ? [] : [refuseOld(maxAgeMs)]),
        ...(isDeleted ? [keepWithin(rule, cacheName)] : []),
      ],
    }
  },
}

/** What is too old is not used, whether or not it has been deleted yet. */
function refuseOld(maxAgeMs: number): RulePlugin {
  return {
    cachedResponseWillBeUsed: async ({ cachedResponse }) =>
      cachedResponse && (ageOf(cachedResponse, Date.now()) ?? 0) > maxAgeMs ? null : cachedResponse,
  }
}

/**
 * Deletes what is too old or too much. Workbox notes when each entry was touched last: when it was stored, and where there
 * is a maximum of entries, when it was used as well.
 */
function keepWithin({ maxAgeMs, maxEntries, staleIfError }: CachingRule, cacheName: string): RulePlugin {
  const maxAgeSeconds = maxAgeMs && !staleIfError ? maxAgeMs / 1000 : undefined
  // It deletes by the address alone, which is no match for answers that vary by a header.
  const matchOptions = { ignoreVary: true }
  const expiration = new CacheExpiration(cacheName, { maxAgeSeconds, maxEntries, matchOptions })
  const touch = async (url: string) => {
    await expiration.updateTimestamp(url)
    await expiration.expireEntries()
  }
  return {
    cacheDidUpdate: ({ request }) => touch(request.url),
    cachedResponseWillBeUsed: async ({ cachedResponse, request, event }) => {
      // What hides its headers does not say when it was stored.
      const isHidden = maxAgeSeconds !== undefined && cachedResponse?.status === 0
      if (isHidden && (await expiration.isURLExpired(request.url))) return null
      if (cachedResponse && maxEntries !== undefined) event.waitUntil(touch(request.url))
      return cachedResponse
    },
  }
}
