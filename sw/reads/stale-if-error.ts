import { withAge } from './age.ts'
import type { RuleFeature } from './rule-routes.ts'

/**
 * For rules with `staleIfError` (RFC 5861 §4): rather an old answer than none, and rather than that the server is broken.
 * Where there is no old one, the page gets what the server has said.
 */
export const staleIfError: RuleFeature = {
  plugins({ staleIfError }, { cacheName, scope }) {
    if (!staleIfError) return {}
    const old = async (request: Request) => {
      const stored = await scope.caches.match(request, { cacheName })
      return stored && withAge(stored, Date.now())
    }
    return {
      other: [
        {
          fetchDidSucceed: async ({ response, state = {} }) => {
            if (!SERVER_ERRORS.includes(response.status)) return response
            state.answer = response
            throw new TypeError('The server is broken')
          },
          handlerDidError: async ({ request, state }) =>
            (await old(request)) ?? (state?.answer as Response | undefined),
          // A page that the browser has asked for while the worker started was not fetched here.
          handlerWillRespond: async ({ request, response, state }) =>
            SERVER_ERRORS.includes(response.status) && !state?.answer ? ((await old(request)) ?? response) : response,
        },
      ],
    }
  },
}

/** What RFC 5861 counts as an error. */
const SERVER_ERRORS = [500, 502, 503, 504]
