import type { RulePlugin } from './rule-routes.ts'

/** An opaque response has status 0: it may be an error page, and there is no way to find out. */
export const onlyOk: RulePlugin = {
  cacheWillUpdate: async ({ response }) => (response.status === 200 ? response : null),
}

/** When an answer was stored, in milliseconds since the epoch: only in what is stored, never in what a page gets. */
const STORED_AT = 'holdfast-stored-at'

/** Notes when an answer is stored, by this device's clock: `Date` is the server's, and hidden from other origins. */
export const stamp: RulePlugin = {
  cacheWillUpdate: async ({ response }) => withHeaders(response, headers => headers.set(STORED_AT, `${Date.now()}`)),
}

/**
 * Milliseconds that a stored answer has been on this device. Undefined where that is not known: of an opaque answer, and
 * of one that something else has stored.
 */
export function ageOf({ headers }: Response, now: number): number | undefined {
  const storedAt = headers.get(STORED_AT)
  // A clock may have been put back.
  return storedAt === null ? undefined : Math.max(0, now - Number(storedAt))
}

/**
 * Gives answers from a cache their `Age` in seconds (RFC 9111 §5.1), which answers of the network have only from a proxy.
 * Only what `fetch` asked for: nobody else sees headers, and the browser keeps compiled code only of untouched scripts.
 */
export const tellAge: RulePlugin = {
  cachedResponseWillBeUsed: async ({ cachedResponse, request }) =>
    cachedResponse && request.destination === '' && isSmall(cachedResponse)
      ? withAge(cachedResponse, Date.now())
      : cachedResponse,
}

/** A copy with other headers goes through the worker, which a large body takes half as long again for. */
function isSmall({ headers }: Response): boolean {
  return Number(headers.get('content-length')) < 1_000_000
}

/** What a proxy has said of its age before counts, too (RFC 9111 §4.2.3). */
export function withAge(response: Response, now: number): Response {
  const age = ageOf(response, now)
  if (age === undefined) return response
  return withHeaders(response, headers => {
    headers.delete(STORED_AT)
    headers.set('age', `${Math.floor(age / 1000) + (Number(headers.get('age')) || 0)}`)
  })
}

/** A copy with other headers. What hides its headers stays as it is. */
function withHeaders(response: Response, change: (headers: Headers) => void): Response {
  const { status, statusText } = response
  if (status === 0) return response
  const headers = new Headers(response.headers)
  change(headers)
  // Chromium gives a body, an empty one, to answers that can have none (Fetch §2.2.3), and refuses to take it back.
  const body = [204, 205, 304].includes(status) ? null : response.body
  return new Response(body, { status, statusText, headers })
}
