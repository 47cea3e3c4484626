import { CacheableResponsePlugin } from 'workbox-cacheable-response/CacheableResponsePlugin.js'
import type { RuleFeature, RulePlugin } from './rule-routes.ts'

/** For rules that say which statuses are stored. */
export const statuses: RuleFeature = {
  plugins({ statuses }) {
    if (!statuses) return {}
    return {
      storing: [noRedirect, new CacheableResponsePlugin({ statuses })],
      reading: statuses.includes(0) ? [readable] : [],
    }
  },
}

/** An opaque answer is an error to whoever may read answers: an image on a canvas, or `fetch` (Fetch §4.3). */
const readable: RulePlugin = {
  cachedResponseWillBeUsed: async ({ cachedResponse, request }) =>
    cachedResponse?.type === 'opaque' && request.mode !== 'no-cors' ? null : cachedResponse,
}

/** It has status 0 as well, and may lead to a page for signing in. */
const noRedirect: RulePlugin = {
  cacheWillUpdate: async ({ response }) => (response.type === 'opaqueredirect' ? null : response),
}
