import { HoldfastError } from '../protocol/errors.ts'
import { laneOf } from '../protocol/queue-key.ts'
import type { Storage } from '../storage/open-storage.ts'
import { HELD_KEY } from './pause.ts'

/** The record of `meta` that says who uses the app: read in each claim, so that only this one's mutations are sent. */
export const PRINCIPAL_KEY = 'principal'

/** Says who uses the app from now on, for every context. A hold was about the one before. */
export async function identify(storage: Storage, principal: string | undefined): Promise<void> {
  assertName(principal)
  await storage.write(['meta'], tx => {
    const meta = tx.objectStore('meta')
    if (principal === undefined) meta.delete(PRINCIPAL_KEY)
    else meta.put(principal, PRINCIPAL_KEY)
    meta.delete(HELD_KEY)
  })
}

/** It becomes a part of keys. */
function assertName(principal: unknown): void {
  try {
    if (principal === undefined || (typeof principal === 'string' && principal !== '' && laneOf(principal))) return
  } catch {
    // A half of a surrogate pair: no text that could be stored as a key.
  }
  throw new HoldfastError({
    code: 'invalid-options',
    action: 'identify the user',
    reason: 'what was given is no name',
    hint: 'Pass the id of whoever has signed in, as a text that is not empty, or null after a sign-out.',
  })
}
