import type { Problem } from '../protocol/settlement.ts'
import type { Answer } from './answer.ts'

/** What a problem says beside its status. Without `type` it is `about:blank`: the status says it all. */
export type ProblemParts = Partial<Problem> & { title: string }

/** The problem types that this server answers with by itself. A client may branch on them; titles and details may change. */
export const PROBLEM_TYPES = {
  /** 422: the key was used before, for a write with another method, address, content type or body. */
  keyReused: 'urn:problem-type:holdfast:idempotency-key-reused',
  /** 400: the route needs a key, and there is none. */
  keyMissing: 'urn:problem-type:holdfast:idempotency-key-missing',
  /** 400: the field is there, but what it holds is no key. */
  keyMalformed: 'urn:problem-type:holdfast:idempotency-key-malformed',
  /** 413: the body is larger than the server takes. */
  bodyTooLarge: 'urn:problem-type:holdfast:body-too-large',
  /** 400: the body is not the JSON or the form that the route expects. */
  bodyMalformed: 'urn:problem-type:holdfast:body-malformed',
  /** 503: the database is busy or away, or the server is closing; the same write may be sent again. */
  unavailable: 'urn:problem-type:holdfast:unavailable',
} as const

/**
 * Makes an answer of type `application/problem+json` (RFC 9457).
 *
 * @example
 * problem(422, { title: 'This note is too long', detail: 'It has 300 characters; 280 fit.' })
 */
export function problem(status: number, parts: ProblemParts, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
    json: { type: 'about:blank', status, ...parts },
  }
}
