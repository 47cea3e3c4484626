import { HoldfastError, isHoldfastError } from '../protocol/errors.ts'
import { errorName } from './error-name.ts'

/**
 * Turns what IndexedDB threw, or put into `transaction.error`, into a `HoldfastError`: `quota-exceeded` where the space
 * is used up, `storage-failed` for the rest. An error that is a `HoldfastError` already comes back as it is.
 */
export function storageError(action: string, cause: unknown): HoldfastError {
  if (isHoldfastError(cause)) return cause
  const name = errorName(cause)
  if (name === 'QuotaExceededError') return quotaError(action, cause)
  if (name === 'DataCloneError') return cloneError(action, cause)
  return new HoldfastError({
    code: 'storage-failed',
    action,
    reason: `the browser's storage answered "${inWords(cause)}"`,
    hint: 'Nothing of this step was kept: try again, and look at `cause` when it goes on.',
    cause,
  })
}

/** There is no IndexedDB here, or the browser does not let this page have its database. */
export function unavailableError(name: string, cause?: unknown): HoldfastError {
  if (isHoldfastError(cause)) return cause
  const action = `open the database "${name}"`
  if (errorName(cause) === 'QuotaExceededError') return quotaError(action, cause)
  return new HoldfastError({
    code: 'storage-unavailable',
    action,
    reason: cause === undefined ? 'there is no IndexedDB here' : `the browser refused it with "${inWords(cause)}"`,
    hint: 'Allow this site to store data (private windows and blocked cookies forbid it), then load the page again.',
    cause,
  })
}

/** The database was used after its `close()`. */
export function closedError(name: string): HoldfastError {
  return new HoldfastError({
    code: 'closed',
    action: `use the database "${name}"`,
    reason: 'it was closed with close()',
    hint: 'Open it again before you use it.',
  })
}

function quotaError(action: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'quota-exceeded',
    action,
    reason: 'the space that the browser gives to this site is used up, and nothing of it was stored',
    hint: 'Free space on the device or delete data of this site, then try again.',
    cause,
  })
}

function cloneError(action: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'storage-failed',
    action,
    reason: `a value cannot be stored as it is ("${inWords(cause)}")`,
    hint: 'Store plain data, dates, maps, sets, buffers and blobs, but no functions, promises or elements.',
    cause,
  })
}

function inWords(cause: unknown): string {
  if (!(cause instanceof Error) && errorName(cause) === undefined) return String(cause)
  const { name, message } = cause as Error
  return message ? `${name}: ${message}` : name
}
