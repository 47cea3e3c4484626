import type { Mutation } from '../protocol/mutation.ts'
import type { Place } from '../protocol/queue-key.ts'

/** Where a mutation belongs that is not behind another one of its entity. */
export function freePlace({ held, waitsFor = [], notBefore = 0, nextAttemptAt = 0 }: Mutation, now: number): Place {
  if (held || waitsFor.length > 0) return { in: 'blocked' }
  const until = Math.max(notBefore, nextAttemptAt)
  return until > now ? { in: 'delayed', until } : { in: 'ready' }
}
