/**
 * What the worker tells the pages when a newer answer than the one they were given has been stored: the message of
 * workbox-broadcast-update, so that apps which listen to that hear it, too.
 */
export interface FreshMessage {
  type: 'CACHE_UPDATED'
  meta: 'workbox-broadcast-update'
  payload: { cacheName: string; updatedURL: string }
}

/** Makes the message about an answer. */
export function freshMessage(cacheName: string, updatedURL: string): FreshMessage {
  return { type: 'CACHE_UPDATED', meta: 'workbox-broadcast-update', payload: { cacheName, updatedURL } }
}

/** Says whether a message to a page is such a one; anything may arrive there. */
export function isFreshMessage(data: unknown): data is FreshMessage {
  return (
    typeof data === 'object' &&
    data !== null &&
    'type' in data &&
    data.type === 'CACHE_UPDATED' &&
    'payload' in data &&
    typeof (data.payload as Partial<FreshMessage['payload']> | null)?.updatedURL === 'string'
  )
}
