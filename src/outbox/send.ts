import { formatIdempotencyKey, IDEMPOTENCY_KEY_HEADER } from '../protocol/idempotency-key.ts'
import type { Mutation } from '../protocol/mutation.ts'
import type { SendOutcome } from '../protocol/settlement.ts'
import { judge } from './judge.ts'
import { judgeFailure } from './outcome-table.ts'

export interface SendPorts {
  fetch: typeof fetch
  now: () => number
  /** Ends the attempt; what it did on the server is then unknown, and the same key will ask. */
  signal: AbortSignal
}

/**
 * Makes one HTTP attempt and judges it. Never rejects: what the network does is an outcome. No transaction is open
 * while it runs.
 */
export async function send(
  mutation: Mutation,
  body: string | ArrayBuffer | undefined,
  { fetch, now, signal }: SendPorts,
): Promise<SendOutcome> {
  try {
    const response = await fetch(mutation.url, {
      method: mutation.method,
      headers: [...mutation.headers, [IDEMPOTENCY_KEY_HEADER, formatIdempotencyKey(mutation.id)]],
      body,
      cache: 'no-store',
      signal,
    })
    return await judge(response, { url: mutation.url, now: now() })
  } catch (error) {
    return unanswered(error)
  }
}

/** The request, or reading its answer, broke off: it may have arrived, and the key makes another attempt harmless. */
function unanswered(error: unknown): SendOutcome {
  const isTimeout = error instanceof DOMException && (error.name === 'TimeoutError' || error.name === 'AbortError')
  const code = isTimeout ? 'timeout' : 'network'
  const { reason: message, costsAttempt, uncertain } = judgeFailure(code)
  return { kind: 'retry', code, message, costsAttempt, uncertain }
}
