import { asProblem, type SendOutcome } from '../protocol/settlement.ts'
import { retryAfterMs } from './retry-delay.ts'

/**
 * Judges an answer by its status: 2xx is success; 408, 429 and 5xx ask for another attempt; what is not known to be
 * success is not success. Rejects where the body breaks off, since then the answer is not known.
 */
export async function judge(response: Response, now: number): Promise<SendOutcome> {
  const { status } = response
  const body = await parseBody(response)
  if (response.ok) return { kind: 'confirmed', status, headers: Object.fromEntries(response.headers), body }
  const problem = isProblem(response) ? asProblem(body) : undefined
  const message = problem?.detail ?? problem?.title ?? `The server answered ${status}.`
  return isRetryable(status)
    ? { kind: 'retry', code: 'status', status, message, problem, retryAfterMs: retryAfterMs(response.headers, now) }
    : { kind: 'refused', status, message, problem }
}

function isRetryable(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status <= 599)
}

function isProblem(response: Response): boolean {
  return mediaType(response) === 'application/problem+json'
}

/** An answer is kept for the page that waits for it; beyond this many characters only its status and headers are. */
const KEPT_BODY_LIMIT = 64 * 1024

/** JSON where the server says so and it is; text otherwise; nothing for an empty body. */
async function parseBody(response: Response): Promise<unknown> {
  const text = await response.text()
  if (text === '' || text.length > KEPT_BODY_LIMIT) return undefined
  const type = mediaType(response)
  return type === 'application/json' || type.endsWith('+json') ? parseJson(text) : text
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function mediaType(response: Response): string {
  return (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}
