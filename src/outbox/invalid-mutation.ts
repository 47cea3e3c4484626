import { HoldfastError } from '../protocol/errors.ts'

/** The error that `mutate()` rejects with when an input cannot be recorded as it is. */
export function invalidMutation(reason: string, hint: string, cause?: unknown): HoldfastError {
  return new HoldfastError({ code: 'invalid-mutation', action: 'record the mutation', reason, hint, cause })
}
