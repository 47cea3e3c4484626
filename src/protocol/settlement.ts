/**
 * Why a mutation became a dead letter. `refused`: the server answered that it will not do it. `conflict`: it does not fit
 * what the server has (409, 412). `attempts-exhausted`: it
 * failed as often as it may. `expired`: it waited longer than it may. `body-lost`: its body was gone from the device.
 * `reference-lost`: the answer that it refers to has nothing at that place, or nothing that fits.
 */
export type DeadReason = 'refused' | 'conflict' | 'attempts-exhausted' | 'expired' | 'body-lost' | 'reference-lost'

/** An answer of type `application/problem+json` (RFC 9457). `type` identifies the problem; unknown members are kept. */
export interface Problem {
  type: string
  status?: number
  title?: string
  detail?: string
  instance?: string
  [member: string]: unknown
}

/** How a mutation ended. It ends in exactly one of these. */
export type Settlement =
  | { kind: 'confirmed'; status: number; headers: Record<string, string>; body: unknown }
  | { kind: 'dead'; reason: DeadReason; status?: number; problem?: Problem }
  | { kind: 'conflict'; conflictId: string }
  | { kind: 'cancelled' }

/**
 * What one HTTP attempt came to, judged by status and problem type and never by text. `retry`: the same again, later.
 * `conflict`: the server has something else there. `hold`: nothing more until a person has acted. `refused`: not as it is.
 */
export type SendOutcome =
  | { kind: 'confirmed'; status: number; headers: Record<string, string>; body: unknown }
  | (Failed & { kind: 'retry'; code: 'network' | 'timeout' | 'interrupted' | 'status'; retryAfterMs?: number })
  | (Failed & { kind: 'conflict' | 'hold' | 'refused' })

interface Failed {
  status?: number
  message: string
  problem?: Problem
  /** Whether it is one of the attempts that a mutation has. */
  costsAttempt: boolean
  /** Whether the write may have had its effect. */
  uncertain: boolean
}

/**
 * Reads a problem from a parsed body, following RFC 9457: members of the wrong type are ignored, a missing `type` is
 * `about:blank`.
 *
 * @example
 * asProblem({ title: 'Too long', status: '422' }) // { type: 'about:blank', title: 'Too long' }
 */
export function asProblem(body: unknown): Problem | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined
  const { type, status, title, detail, instance, ...extensions } = body as Record<string, unknown>
  return {
    ...extensions,
    type: typeof type === 'string' ? type : 'about:blank',
    ...(typeof status === 'number' && { status }),
    ...(typeof title === 'string' && { title }),
    ...(typeof detail === 'string' && { detail }),
    ...(typeof instance === 'string' && { instance }),
  }
}
