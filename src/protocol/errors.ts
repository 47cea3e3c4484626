/**
 * What went wrong, as a word that code may branch on. The text of an error is for people and may change; its code does
 * not.
 */
export type ErrorCode =
  | 'invalid-options'
  | 'invalid-mutation'
  | 'invalid-import'
  | 'not-found'
  | 'closed'
  | 'storage-unavailable'
  | 'storage-failed'
  | 'quota-exceeded'
  | 'outbox-full'
  | 'offline'
  | 'worker-unavailable'
  | 'not-loaded'
  | 'outdated'
  | 'network'
  | 'timeout'
  | 'interrupted'
  | 'status'
  | 'missing-dependency'
  | 'database-unavailable'
  | 'database-in-use'

/** What `HoldfastError` is made from: the sentence "Failed to {action}: {reason}. {hint}". */
export interface ErrorParts {
  code: ErrorCode
  /** What was tried, as it continues "Failed to": `record the mutation`. */
  action: string
  /** Why it could not be done, without a full stop. */
  reason: string
  /** What the reader can do about it, as a whole sentence. */
  hint: string
  cause?: unknown
}

/**
 * The one error of this package. `code` says what happened, `message` reads "Failed to X: reason. Do Y.", and `hint` is
 * its last sentence. `cause` holds the platform's own error where there was one.
 *
 * @example
 * const error = new HoldfastError({
 *   code: 'invalid-mutation',
 *   action: 'record the mutation',
 *   reason: 'it has no url',
 *   hint: 'Pass the address that the write goes to.',
 * })
 * error.message // 'Failed to record the mutation: it has no url. Pass the address that the write goes to.'
 */
export class HoldfastError extends Error {
  readonly code: ErrorCode
  readonly hint: string

  constructor({ code, action, reason, hint, cause }: ErrorParts) {
    super(`Failed to ${action}: ${reason}. ${hint}`, cause === undefined ? undefined : { cause })
    this.name = 'HoldfastError'
    this.code = code
    this.hint = hint
  }
}

/** Says whether a value is a `HoldfastError`, also when it comes from another copy of this package. */
export function isHoldfastError(value: unknown): value is HoldfastError {
  return value instanceof Error && value.name === 'HoldfastError' && 'code' in value
}
