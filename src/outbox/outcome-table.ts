import type { Problem } from '../protocol/settlement.ts'

/**
 * What an answer, or the lack of one, means for a mutation. `confirmed`: done. `retry`: the same again, later.
 * `conflict`: the server has something else there. `hold`: nothing more until a person has acted. `refused`: not as it is.
 */
export type VerdictKind = 'confirmed' | 'retry' | 'conflict' | 'hold' | 'refused'

export interface Verdict {
  kind: VerdictKind
  /** Which row of the table spoke; `judged` where the app's own function did. Code may branch on it. */
  code: VerdictCode
  /** The row in words, for people. The text may change. */
  reason: string
  /** Whether this attempt is one of those that a mutation has. Being without a network costs none, nor does a hold. */
  costsAttempt: boolean
  /** Whether the write may have had its effect, so that another attempt relies on the server to know the key. */
  uncertain: boolean
}

export type VerdictCode =
  | Failure
  | 'success'
  | 'redirected'
  | 'auth'
  | 'forbidden'
  | 'incomplete'
  | 'key-in-progress'
  | 'busy'
  | 'conflict'
  | 'precondition-failed'
  | 'too-early'
  | 'too-many'
  | 'refused'
  | 'unsupported'
  | 'unavailable'
  | 'captive-portal'
  | 'server-error'
  | 'unknown'
  | 'judged'

/** What the table looks at in an answer. Names of header fields are in lower case, as `Headers` gives them. */
export interface JudgedAnswer {
  status: number
  headers: Record<string, string>
  problem?: Problem
  /** Parsed, where it is JSON. The table never looks at it; the app's function may. */
  body?: unknown
  /** As in `Response`. Left out: an answer that can be read. */
  type?: ResponseType
  /** As in `Response`: the answer came from another address than the one that was asked. */
  redirected?: boolean
}

export interface JudgeOptions {
  /** What 403 means here. Default `refused`; `hold` where signing in again may help. */
  forbidden?: 'refused' | 'hold'
  /** Take a 2xx for success although the browser followed a redirect to get it. Default false. */
  trustRedirects?: boolean
}

/**
 * Judges an answer by its status and problem type, never by its text: the first row of `OUTCOMES` that fits. Never throws.
 *
 * @example
 * judgeAnswer({ status: 503, headers: {} }).kind // 'retry'
 */
export function judgeAnswer(answer: JudgedAnswer, options: JudgeOptions = {}): Verdict {
  return verdictOf(OUTCOMES.find(row => fits(row, answer, options)) ?? NOT_UNDERSTOOD)
}

/**
 * Why there is no whole answer. `offline`: the device had no network when the attempt began, so nothing has left it.
 * `network`: fetch failed. `timeout`: the sender gave up, or had to stop. `cut-off`: the head came, and the body broke
 * off; whatever the status, since the problem type may have been in it.
 */
export type Failure = 'offline' | 'network' | 'timeout' | 'cut-off'

/** Judges an attempt that got no whole answer. */
export function judgeFailure(failure: Failure): Verdict {
  return { kind: 'retry', code: failure, ...FAILURES[failure] }
}

/** A row holds for the statuses `from` to `to`, both included, and only while `when` is so. */
export interface OutcomeRow {
  from: number
  to: number
  when?: keyof typeof CONDITIONS
  kind: VerdictKind
  code: VerdictCode
  reason: string
  /** Left out: it does. */
  costsAttempt?: boolean
  /** Left out: it is not. */
  uncertain?: boolean
}

const CONDITIONS = {
  'opaque-redirect': ({ type }: JudgedAnswer) => type === 'opaqueredirect',
  'followed-redirect': ({ redirected }: JudgedAnswer, { trustRedirects }: JudgeOptions) => {
    return redirected === true && trustRedirects !== true
  },
  'forbidden-holds': (_answer: JudgedAnswer, { forbidden }: JudgeOptions) => forbidden === 'hold',
  'key-in-progress': ({ problem }: JudgedAnswer) => KEY_IN_PROGRESS.test(problem?.type ?? ''),
  'only-retry-after': ({ problem, headers }: JudgedAnswer) => !problem && Object.hasOwn(headers, 'retry-after'),
}

// The last part of the type, whoever's URI it is: "…:idempotency-key-in-progress"; and ".../idempotency", the type of all
// examples in draft-ietf-httpapi-idempotency-key-header-07, of which only "in progress" comes with 409.
const KEY_IN_PROGRESS = /(?:^|[/:#])idempotency(?:(?:-key)?-in-(?:progress|use))?$/i

const REDIRECTED = { kind: 'refused', code: 'redirected', uncertain: true } as const
const FORBIDDEN = { code: 'forbidden', reason: 'The server does not allow it to this user.' } as const
const UNKNOWN = { kind: 'refused', code: 'unknown', uncertain: true } as const

/** The last resort, for what is not even a number. What is not known to be success is not success. */
const NOT_UNDERSTOOD: OutcomeRow = { from: 0, to: 999, ...UNKNOWN, reason: 'The answer cannot be understood.' }

/** The table: the first row that fits decides. */
export const OUTCOMES: readonly OutcomeRow[] = [
  { from: 0, to: 0, when: 'opaque-redirect', ...REDIRECTED, reason: 'The server pointed to another address.' },
  // A sign-in wall answers a write with a redirect to its page, and that page with 200. Fetch turns 301, 302 and 303 after
  // a POST into a GET, and does not tell which redirect it was: such a 2xx does not show that the write was done.
  { from: 200, to: 299, when: 'followed-redirect', ...REDIRECTED, reason: 'The answer came from another address.' },
  { from: 200, to: 299, kind: 'confirmed', code: 'success', reason: 'The server did it.', costsAttempt: false },
  // 304 is for conditional reads; after a write it is nonsense (RFC 9110, 15.4.5).
  { from: 304, to: 304, ...UNKNOWN, reason: 'The server answered 304 to a write.' },
  { from: 300, to: 399, ...REDIRECTED, reason: 'The server pointed to another address.' },

  { from: 401, to: 401, kind: 'hold', code: 'auth', reason: 'The server asks who this is.', costsAttempt: false },
  { from: 403, to: 403, when: 'forbidden-holds', kind: 'hold', ...FORBIDDEN, costsAttempt: false },
  { from: 403, to: 403, kind: 'refused', ...FORBIDDEN },
  { from: 408, to: 408, kind: 'retry', code: 'incomplete', reason: 'The request did not arrive whole.' },
  // A server that knows that this key is in progress will know it again: no conflict, and nothing uncertain.
  {
    from: 409,
    to: 409,
    when: 'key-in-progress',
    kind: 'retry',
    code: 'key-in-progress',
    reason: 'The server is still at work on this very write.',
  },
  { from: 409, to: 409, when: 'only-retry-after', kind: 'retry', code: 'busy', reason: 'The server asks to wait.' },
  { from: 409, to: 409, kind: 'conflict', code: 'conflict', reason: 'It does not fit what the server has.' },
  { from: 412, to: 412, kind: 'conflict', code: 'precondition-failed', reason: 'It changed on the server meanwhile.' },
  { from: 425, to: 425, kind: 'retry', code: 'too-early', reason: 'The server takes no early data.' },
  { from: 429, to: 429, kind: 'retry', code: 'too-many', reason: 'The server asks for fewer requests.' },
  // 428 is here too: a write without If-Match gets none by being sent again.
  { from: 400, to: 499, kind: 'refused', code: 'refused', reason: 'The server will not do it as it is.' },

  // The server knows no such method, or no such HTTP version. The next attempt is the same request: a dead letter tells
  // at once what eight attempts would tell minutes later.
  { from: 501, to: 501, kind: 'refused', code: 'unsupported', reason: 'The server cannot do such a write.' },
  { from: 505, to: 505, kind: 'refused', code: 'unsupported', reason: 'The server speaks another HTTP version.' },
  { from: 503, to: 503, kind: 'retry', code: 'unavailable', reason: 'The server is not available.' },
  // Never from the server itself, but from a network that wants a sign-in (RFC 6585, 6): as good as offline.
  {
    from: 511,
    to: 511,
    kind: 'retry',
    code: 'captive-portal',
    reason: 'The network asks to sign in.',
    costsAttempt: false,
  },
  // A gateway gives some of these when the server behind it was too slow, and that may well have finished.
  { from: 500, to: 599, kind: 'retry', code: 'server-error', reason: 'The server failed.', uncertain: true },
  { ...NOT_UNDERSTOOD, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY },
]

/** What each lack of an answer means. All are tried again. */
export const FAILURES: Record<Failure, Pick<Verdict, 'reason' | 'costsAttempt' | 'uncertain'>> = {
  offline: { reason: 'The device is offline.', costsAttempt: false, uncertain: false },
  // Fetch tells code nothing of the difference between a refused connection and one that broke after the request.
  network: { reason: 'The server could not be reached.', costsAttempt: false, uncertain: true },
  timeout: { reason: 'The server did not answer in time.', costsAttempt: false, uncertain: true },
  'cut-off': { reason: 'The answer broke off.', costsAttempt: true, uncertain: true },
}

function fits({ from, to, when }: OutcomeRow, answer: JudgedAnswer, options: JudgeOptions): boolean {
  return answer.status >= from && answer.status <= to && (when === undefined || CONDITIONS[when](answer, options))
}

function verdictOf({ kind, code, reason, costsAttempt = true, uncertain = false }: OutcomeRow): Verdict {
  return { kind, code, reason, costsAttempt, uncertain }
}
