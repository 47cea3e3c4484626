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
    cacheWillUpdate: async ({ request, response, state = {} }) => {
      const { url, mode, credentials } = request
      // Whether an opaque answer is a part cannot be seen, and no part can be cut out of it.
      if (response.type === 'opaque' && request.headers.has('range')) return null
      if (response.status !== 206) return response
      // A player asks for many parts while the first one is on its way.
      const stored = await scope.caches.match(url, { cacheName })
      if (fetching.has(url) || (stored && isSame(stored, response))) return null
      fetching.add(url)
      state.isFetching = true
      return fetch(new Request(url, { mode, credentials }))
    },
    // When it is stored, or has failed: that may be long after it has begun to arrive.
    handlerDidComplete: async ({ request, state }) => {
      if (state?.isFetching) fetching.delete(request.url)
    },
  }
}

/** Where a server says nothing of it, a file is taken for the same. The ETag alone may differ, of what was compressed. */
function isSame(a: Response, b: Response): boolean {
  const name = ['last-modified', 'etag'].find(header => a.headers.has(header) && b.headers.has(header))
  return name === undefined || a.headers.get(name) === b.headers.get(name)
}

const parts = (): RulePlugin[] => [leaveOpaque, new RangeRequestsPlugin(), refuseNothing]

const leaveOpaque: RulePlugin = {
  cachedResponseWillBeUsed: async ({ cachedResponse, request }) =>
    cachedResponse?.type === 'opaque' && request.headers.has('range') ? null : cachedResponse,
}

/** A part that begins behind the end is an error (RFC 9110 §15.5.17); Workbox makes an empty part of it. */
const refuseNothing: RulePlugin = {
  cachedResponseWillBeUsed: async ({ cachedResponse }) => {
    const isNothing = cachedResponse?.status === 206 && cachedResponse.headers.get('content-length') === '0'
    return isNothing ? new Response('', { status: 416, statusText: 'Range Not Satisfiable' }) : cachedResponse
  },
}
