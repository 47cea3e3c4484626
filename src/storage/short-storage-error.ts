import { type ErrorCode, HoldfastError, isHoldfastError } from '../protocol/errors.ts'
import { errorName } from './error-name.ts'

/**
 * What `storage-error.ts` gives, in fewer words: the generated worker has this in its place, since nobody reads hints there
 * and a browser reads all of it each time that it starts. The codes and the causes are the same.
 */
export function storageError(action: string, cause: unknown): HoldfastError {
  return shortError('storage-failed', action, cause)
}

export function unavailableError(name: string, cause?: unknown): HoldfastError {
  return shortError('storage-unavailable', `open the database "${name}"`, cause)
}

export function closedError(name: string): HoldfastError {
  return shortError('closed', `use the database "${name}"`)
}

function shortError(code: ErrorCode, action: string, cause?: unknown): HoldfastError {
  if (isHoldfastError(cause)) return cause
  return new HoldfastError({
    code: errorName(cause) === 'QuotaExceededError' ? 'quota-exceeded' : code,
    action,
    reason: String(cause ?? code),
    hint: 'It is tried again later.',
    cause,
  })
}
