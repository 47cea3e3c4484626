import { RangeRequestsPlugin } from 'workbox-range-requests/RangeRequestsPlugin.js'
import type { ReadPart } from './read-part.ts'
import type { RuleFeature, RulePlace, RulePlugin } from './rule-routes.ts'

/**
 * For rules with `ranges`: players ask for parts of a file (RFC 9110 §14), and get them from the whole file that is
 * stored. An answer with a part cannot be stored, so the whole file is fetched beside the first one.
 */
export const ranges: RuleFeature = {
  plugins({ ranges }, place) {
    return ranges ? { other: [storeWhole(place)], reading: parts() } : {}
  },
}

/** The same for files of the precache, which are stored whole. */
export const precachedRanges: ReadPart = ({ precache }) => {
  precache.controller.strategy.plugins.push(...parts())
  return {}
}

function storeWhole({ cacheName, scope }: RulePlace): RulePlugin {
  const fetching = new Set<string>()
  return {
    cacheWillUpdate: async ({ request, response }) => {
      const { url, mode, credentials } = request
      if (response.status !== 206) return response
      // A player asks for many parts while the first one is on its way.
      if (fetching.has(url) || (await scope.caches.match(url, { cacheName }))) return null
      fetching.add(url)
      try {
        return await fetch(new Request(url, { mode, credentials }))
      } finally {
        fetching.delete(url)
      }
    },
  }
}

const parts = (): RulePlugin[] => [new RangeRequestsPlugin(), refuseNothing]

/** A part that begins behind the end is an error (RFC 9110 §15.5.17); Workbox makes an empty part of it. */
const refuseNothing: RulePlugin = {
  cachedResponseWillBeUsed: async ({ cachedResponse }) => {
    const isNothing = cachedResponse?.status === 206 && cachedResponse.headers.get('content-length') === '0'
    return isNothing ? new Response('', { status: 416, statusText: 'Range Not Satisfiable' }) : cachedResponse
  },
}
