import { HoldfastError } from '../protocol/errors.ts'

/** The worker's script could not be loaded, or is not allowed. */
export function registrationFailed(url: string, cause: unknown): HoldfastError {
  return unavailable(
    'register the service worker',
    `${url} could not be loaded or run (${cause instanceof Error ? cause.message : String(cause)})`,
    'The app works, but not offline. Check that the server has this file.',
    cause,
  )
}

/** A version gave up while it installed. */
export function installFailed(url: string): HoldfastError {
  return unavailable(
    'install a version of the app',
    `${url} gave up: a file of its precache is missing, or there is no room for them`,
    'The version before it stays. Check that the server has every file of the build.',
  )
}

/** There are none without HTTPS, and in private windows of some browsers. */
export function noWorkers(): HoldfastError {
  return unavailable(
    'register the service worker',
    'this browser has none here',
    'The app works, but not offline. Serve it over HTTPS, or from localhost.',
  )
}

function unavailable(action: string, reason: string, hint: string, cause?: unknown): HoldfastError {
  return new HoldfastError({ code: 'worker-unavailable', action, reason, hint, cause })
}
