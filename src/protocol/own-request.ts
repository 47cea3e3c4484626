/**
 * What the outbox of a page adds to the addresses that it sends to: a fragment never leaves the device, and the worker,
 * through which the requests of a page pass, sees it (Fetch, 5.4; a `FetchEvent` has the whole address). So the worker can
 * tell a write that is being delivered from one that the app makes.
 */
const OWN_FRAGMENT = '#holdfast-delivery'

/** The address under which a page delivers a write of its outbox. */
export function deliveryAddress(url: string): string {
  return url.replace(/#.*$/s, '') + OWN_FRAGMENT
}

/** Whether a request that passes through the worker is such a delivery. */
export function isDelivery({ url }: { url: string }): boolean {
  return url.endsWith(OWN_FRAGMENT)
}
