import { HoldfastError } from '../protocol/errors.ts'

/** A version that does not know all that may be recorded sends nothing of it. */
export function outdated(): HoldfastError {
  return new HoldfastError({
    code: 'outdated',
    action: 'send what waits',
    reason: 'a newer version of this app has written to the outbox',
    hint: 'Nothing is lost. Reload the page.',
  })
}

/** What is sent without a handler that the app names would be sent as somebody else. */
export function noHandler(kind: string, name: string): HoldfastError {
  return new HoldfastError({
    code: 'invalid-options',
    action: 'send what waits',
    reason: `there is no "${name}" among the handlers.${kind} of this page or worker`,
    hint: 'Nothing is lost. Give the module with your handlers to createHoldfast() and to the Vite plugin, or to startHoldfast().',
  })
}
