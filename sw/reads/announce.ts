import { freshMessage } from '../../src/protocol/fresh.ts'
import type { RuleFeature } from './rule-routes.ts'

/**
 * For rules that announce: where a page was given an answer from the cache, and the network's differs, every page hears
 * of it when the new one is stored.
 */
export const announce: RuleFeature = {
  plugins({ strategy, announce = strategy === 'stale-while-revalidate' }, { scope }) {
    if (!announce) return {}
    return {
      reading: [
        {
          cachedResponseWillBeUsed: async ({ cachedResponse, state = {} }) => {
            state.isGiven = cachedResponse !== undefined
            return cachedResponse
          },
          cacheDidUpdate: async ({ cacheName, request, oldResponse, newResponse, state }) => {
            if (!oldResponse || !state?.isGiven || (await isSame(oldResponse, newResponse))) return
            for (const page of await scope.clients.matchAll({ type: 'window' })) {
              page.postMessage(freshMessage(cacheName, request.url))
            }
          },
        },
      ],
    }
  },
}

/** By what the server says of its answers, and where it says nothing, by the bytes. */
async function isSame(a: Response, b: Response): Promise<boolean> {
  if (a.status !== b.status) return false
  const [oldTag, newTag] = [a, b].map(({ headers }) => headers.get('etag')?.replace(/^W\//, ''))
  if (oldTag && newTag) return oldTag === newTag
  const [before, after] = await Promise.all([a, b].map(async response => new Uint8Array(await response.arrayBuffer())))
  return before?.length === after?.length && before?.every((byte, index) => byte === after?.[index]) === true
}
